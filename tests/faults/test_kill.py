"""kill -9 at a random moment: the file still opens, nothing is lost, and the next build completes.

HITPARADE_KILLS=50 kills that many builds, and that many processes that promote and register.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

from tests.faults.outcomes import show, size
from tests.faults.registry import History, checked
from tests.warehouse import Warehouse

pytestmark = pytest.mark.slow

KILLS = size("HITPARADE_KILLS", 2)
# A kill comes at most this many seconds after dbt's first line with these words: at any moment of a
# build, but most often while the registry is written.
MOMENTS = {"": 20.0, "ml.train_": 6.0, "ml.challengers": 0.5, "_predictions": 2.0}
# Every second build is only of the models up to the champions.
# Quarantine is included because a data test compares it with the rows that are read.
REGISTRY = ("--select", "+challengers", "+quarantine", "stg_mpd__*")
PREDICT = "select predict_hit(t), predict_streams(s) from dim_tracks t, dim_songs s limit 1"
BUILD = ("-m", "dbt.cli.main", "build")
LEFTOVERS = "select table_name from duckdb_tables() where contains(table_name, '__dbt_')"

# Promotes, rolls back and registers until it is killed, and prints the number of each.
REGISTRAR = """
import itertools, sys
import duckdb, udfs
from tests.hand_models import linear

with duckdb.connect(sys.argv[1]) as connection:
    query = "select distinct model_id from ml.model_versions where task = 'hit' order by all"
    ids = [model_id for (model_id,) in connection.execute(query).fetchall()]
    for number in itertools.count(int(sys.argv[2])):
        for model_id in ids:
            udfs.promote(connection, "hit", model_id)
            print("promoted", flush=True)
        udfs.rollback(connection, "hit")
        print("promoted", flush=True)
        if number % 4 == 0:
            model = linear([float(number)], 0.5)
            udfs.register_model(connection, model, task="own", inputs=["x"])
            print("registered", flush=True)
"""

builds, changes = Counter(), Counter()


@pytest.fixture(scope="module")
def rebuilt(small_warehouse, tmp_path_factory):
    """A finished warehouse whose builds are repeatedly killed and run again."""
    folder = tmp_path_factory.mktemp("rebuilt") / "warehouse"
    return Warehouse(shutil.copytree(small_warehouse.folder, folder))


def begin(warehouse: Warehouse, program: list[str], **environment: str) -> subprocess.Popen:
    """Start a Python program in a new process group."""
    return subprocess.Popen(
        [sys.executable, *program],
        cwd=warehouse.project,
        env=warehouse.environment(**environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def kill(run: subprocess.Popen, moment: random.Random) -> str:
    """Kill a build and return where it was; return that it finished if it was faster."""
    awaited = moment.choice(list(MOMENTS))
    if awaited:
        next((line for line in run.stdout if awaited in line), None)
    time.sleep(moment.uniform(0, MOMENTS[awaited]))
    os.killpg(run.pid, signal.SIGKILL)
    said, _ = run.communicate()
    assert run.returncode in (0, -signal.SIGKILL), said
    return f"killed at {awaited or 'any moment'}" if run.returncode else "finished before"


@pytest.mark.parametrize("number", range(KILLS))
def test_a_killed_promotion_or_registration_is_complete_or_absent(number, rebuilt, small_sample):
    """All changes that the process reported are stored, and at most one that it did not report."""
    before = checked(rebuilt.database, History())
    run = begin(rebuilt, ["-c", REGISTRAR, str(rebuilt.database), str(number * 1_000)])
    first = run.stdout.readline()
    time.sleep(random.Random(number).uniform(0, 2.0))
    os.killpg(run.pid, signal.SIGKILL)
    done = Counter((first + run.communicate()[0]).split())

    after = checked(rebuilt.database, before)
    promoted = len(after.promotions - before.promotions)
    registered = len(after.models - before.models)
    assert done["promoted"] <= promoted <= done["promoted"] + 1
    assert done["registered"] <= registered <= done["registered"] + 1
    assert rebuilt.query(PREDICT)
    changes.update({"kills": 1, "promotions": promoted, "registrations": registered})
    if number % 10 == 9:
        rebuilt.build(HITPARADE_SAMPLE=str(small_sample))


@pytest.mark.parametrize("number", range(KILLS))
def test_a_killed_build_loses_nothing(number, empty, rebuilt, one_row_less):
    warehouse = rebuilt if number % 3 else empty
    what = REGISTRY if number % 2 else ()
    before = checked(warehouse.database, History())

    run = begin(warehouse, [*BUILD, *what], HITPARADE_SAMPLE=str(one_row_less))
    builds[kill(run, random.Random(number))] += 1
    left = checked(warehouse.database, before)
    assert not before.models or warehouse.query(PREDICT)
    warehouse.build(*what, HITPARADE_SAMPLE=str(one_row_less))

    after = checked(warehouse.database, left)
    assert after.models > before.models
    assert warehouse.query(LEFTOVERS) == []


def test_the_requested_number_of_processes_was_killed():
    show("Killed promotions and registrations", changes)
    show("Killed builds", builds)
    assert changes["kills"] == builds.total() == KILLS
    assert changes["promotions"] > KILLS
    assert builds["finished before"] < KILLS / 2
