"""`python -m benchmarks slices`: the cost of flattening slices, compared with reading them."""

import json
import sys
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from benchmarks.warehouses import dbt, measure
from hitparade.sample import write_sample
from hitparade.sample.slices import SIZE

FLATTEN = ("run", "--select", "stg_raw__slices", "base_mpd__*", "stg_mpd__*")
NODE = "model.hitparade."
# Read every playlist and track with DuckDB's JSON reader; a slice is one JSON object.
READ = """
import sys, time, duckdb
query = "select count(*) from (select unnest(p.tracks) from (select unnest(playlists) as p "
query += "from read_json(?, maximum_object_size = 200000000)))"
duckdb.execute("set enable_progress_bar = false")  # it would be part of the output
start = time.perf_counter()
duckdb.execute(query, [sys.argv[1]]).fetchall()
print(time.perf_counter() - start)
"""
ADVICE = "give fewer slices by --slices, or check that `hitparade build` works"


def run(slices: int, console: Console | None = None) -> list[dict]:
    """Flatten generated slices in a temporary folder.

    Args:
        slices: number of slices.
        console: shows the progress; None shows nothing.

    Returns:
        A row for each step `what`: read all slices with DuckDB's `read_json`, flatten a fourth of
        them, flatten the rest, flatten one more. Each has the number of `slices` read, `seconds`
        (for dbt, from the start of its first playlist node to the end of the last),
        `peak_memory_mb` of the process, and `times`: slices per second divided by those of
        read_json.

    Raises:
        BenchError: dbt or DuckDB failed.
        ValueError: a sample cannot have so many slices.
    """
    say = console or Console(quiet=True)
    with TemporaryDirectory(prefix="hitparade_bench_") as name, say.status("") as status:
        folder = Path(name)
        status.update(f"writing {slices + 1} slices")
        waiting = _sample(folder, slices + 1)
        few = max(1, slices // 4)
        rows = []
        for what, count in (
            ("flatten a fourth", few),
            ("flatten the rest", slices - few),
            ("flatten one more", 1),
        ):
            status.update(f"{what}: {count}")
            for path in waiting[:count]:
                path.rename(folder / "raw" / path.name)
            waiting = waiting[count:]
            memory = dbt(folder, FLATTEN, ADVICE)["peak_memory_mb"]
            seconds = _span(folder / "target" / "run_results.json")
            rows.append(_row(what, count, seconds, memory))
        status.update("reading all with read_json")
        pattern = str(folder / "raw" / "*.json")
        memory = measure(folder, [sys.executable, "-c", READ, pattern], ADVICE)["peak_memory_mb"]
        seconds = float((folder / "output.txt").read_text())
        read = _row("read_json", slices + 1, seconds, memory)
    speed = read["slices"] / read["seconds"]
    return [row | {"times": row["slices"] / row["seconds"] / speed} for row in [read, *rows]]


def _row(what: str, slices: int, seconds: float, memory: float) -> dict:
    return {"what": what, "slices": slices, "seconds": seconds, "peak_memory_mb": memory}


def _sample(folder: Path, slices: int) -> list[Path]:
    """Write slices to a folder that no build reads; return their paths."""
    aside = folder / "aside"
    (folder / "raw").mkdir()
    write_sample(aside, playlists=slices * SIZE, only={"playlists"})
    return sorted(aside.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)


def _span(run_results: Path) -> float:
    """Return the seconds from the start of the first playlist node to the end of the last."""
    found = json.loads(run_results.read_text(encoding="utf-8"))["results"]
    times = [
        datetime.fromisoformat(timing[end])
        for result in found
        if result["unique_id"].startswith(NODE)
        for timing in result["timing"]
        for end in ("started_at", "completed_at")
    ]
    return (max(times) - min(times)).total_seconds()
