"""Eight threads call a function while its champion changes: python -m tests.e2e.load FILE CALLS

This is a separate process, because a crash must not stop the tests. It prints its results as JSON.
"""

import faulthandler
import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle

import duckdb
import numpy as np

import udfs

THREADS = 8
MODELS = ("logistic_regression", "xgboost")
# More rows than one DuckDB vector: all rows of a query must come from one champion.
ROWS = 3_000
EVERY = 4
SONG = "0.5, 0.6, 0.7, 120"
ONE = f"select predict_hit({SONG})"
MANY = "select list(predict_hit(t) order by i) from songs as t"


class Champions:
    """The present champion, as of the last `udfs.promote` that returned."""

    def __init__(self, file: str):
        self.connection = duckdb.connect(file)
        udfs.register(self.connection)
        self.connection.execute(
            "create table songs as select i, 0.4 + (i % 97) / 300 as danceability, "
            "0.3 + (i % 89) / 200 as energy, (i % 83) / 83 as valence, 60 + i % 120 as tempo "
            f"from range({ROWS}) as r (i)"
        )
        self.ids = dict(
            self.connection.execute(
                "select algorithm, model_id from ml.served_models where task = 'hit' and is_newest"
            ).fetchall()
        )
        self.answers = {algorithm: self._answers(algorithm) for algorithm in MODELS}
        self.begun = self.done = 0
        self.present = MODELS[0]
        self._stop = threading.Event()
        self.promote(self.present)

    def _answers(self, algorithm: str) -> tuple[float, list[float]]:
        by = f"predict_hit_by('{algorithm}', "
        queries = (ONE.replace("predict_hit(", by), MANY.replace("predict_hit(", by))
        return tuple(self.connection.execute(query).fetchall()[0][0] for query in queries)

    def promote(self, algorithm: str) -> None:
        self.begun += 1
        udfs.promote(self.connection, "hit", self.ids[algorithm])
        self.present = algorithm
        self.done += 1

    def change(self, pause: float) -> None:
        for algorithm in cycle(reversed(MODELS)):
            if self._stop.wait(pause):
                return
            self.promote(algorithm)

    def stop(self) -> None:
        self._stop.set()

    def state(self) -> tuple[int, int]:
        return self.begun, self.done


class Caller:
    """One thread with its own connection to the same file."""

    def __init__(self, champions: Champions, file: str, place: int):
        # Alternate between both ways to get a second connection.
        self.connection = duckdb.connect(file) if place % 2 else champions.connection.cursor()
        udfs.register(self.connection)
        self.champions = champions
        self.wrong: list[str] = []
        self.certain = 0

    def call(self, calls: int) -> None:
        for number in range(calls):
            before = self.champions.state()
            champion = self.champions.present
            is_many = number % EVERY == 0
            found = self.connection.execute(MANY if is_many else ONE).fetchall()[0][0]
            possible = MODELS
            # No promotion was running: the answer must be that of the last promoted model.
            if before[0] == before[1] and before == self.champions.state():
                possible = (champion,)
                self.certain += 1
            answers = [self.champions.answers[name][is_many] for name in possible]
            # A linear champion is an expression, which rounds otherwise than onnxruntime.
            if not any(np.allclose(found, one, rtol=0, atol=1e-6) for one in answers):
                self.wrong.append(f"call {number}: not what {' or '.join(possible)} answers")


def memory() -> float:
    """Memory of this process in megabytes."""
    with open("/proc/self/status", encoding="ascii") as status:
        (line,) = (line for line in status if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def main(file: str, calls: int) -> dict:
    champions = Champions(file)
    callers = [Caller(champions, file, place) for place in range(THREADS)]
    with ThreadPoolExecutor(THREADS + 1) as pool:
        changes = pool.submit(champions.change, 0.1)
        measured, start = [], time.monotonic()
        # The first part is a warm-up.
        for part in (calls // 5, calls - calls // 5):
            list(pool.map(lambda caller, part=part: caller.call(part), callers))
            measured.append(memory())
        champions.stop()
        changes.result()
    return {
        "calls": THREADS * calls,
        "certain": sum(caller.certain for caller in callers),
        "promotions": champions.done,
        "wrong": [text for caller in callers for text in caller.wrong][:10],
        "memory_after_warm_up": measured[0],
        "memory_at_the_end": measured[1],
        "seconds": time.monotonic() - start,
    }


if __name__ == "__main__":
    faulthandler.dump_traceback_later(float(sys.argv[3]), exit=True)
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]))))
