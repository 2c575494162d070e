"""Broken or hostile ONNX bytes: refused with a reason, or stored with correct answers.

HITPARADE_BAD_INPUTS=10000 tries that many.
"""

import multiprocessing
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.faults import trial
from tests.faults.mutants import mutants
from tests.faults.outcomes import outcomes_of, show, size

pytestmark = pytest.mark.slow

MODELS = size("HITPARADE_BAD_INPUTS", 300)
SMALL = "select onnx from ml.registry where onnx_bytes < 150000 order by task, algorithm, version"


@pytest.fixture(scope="module")
def models(small_warehouse) -> list[bytes]:
    """The smaller models of a real registry."""
    return [content for (content,) in small_warehouse.query(SMALL)]


@pytest.fixture(scope="module")
def empty_registry(small_warehouse, tmp_path_factory) -> Path:
    """A small database file with an empty registry."""
    folder = tmp_path_factory.mktemp("registry")
    shutil.copy(small_warehouse.database, folder / "warehouse.duckdb")
    with duckdb.connect(folder / "warehouse.duckdb") as connection:
        tables = "select schema_name, table_name from duckdb_tables() where table_name <> 'genres'"
        for schema, table in connection.execute(tables).fetchall():
            change = "delete from" if schema == "ml" else "drop table"
            connection.execute(f"{change} {schema}.{table}")
        connection.execute(f"attach '{folder / 'small.duckdb'}' as small")
        connection.execute("copy from database warehouse to small")
    return folder / "small.duckdb"


@pytest.fixture(scope="module")
def tried(empty_registry, tmp_path_factory):
    """Return a function that tries a model in a forked process, which has all modules loaded."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pytest", "tests.faults.trial"])
    own = tmp_path_factory.mktemp("tried") / "registry.duckdb"

    def outcome(content: bytes) -> str:
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=trial.send, args=(sender, content, empty_registry, own))
        process.start()
        sender.close()
        process.join(10 * trial.SECONDS)
        said = list(received(receiver))
        own.with_suffix(".duckdb.wal").unlink(missing_ok=True)
        if not said:  # the sandbox has the same limits and reports this error
            assert process.exitcode < 0, process.exitcode
            return "refused, for what it did to the process that checked it"
        assert process.exitcode == 0, (said, process.exitcode)
        assert said[0] == trial.CHECKED and not said[1].startswith("failed"), said
        return said[1]

    return outcome


def received(connection) -> Iterator[str]:
    """Yield the messages that a process sent before it ended."""
    try:
        while True:
            yield connection.recv()
    except EOFError:
        return


def test_a_mutant_is_refused_or_gives_the_answers_of_onnxruntime(models, tried):
    outcomes = outcomes_of(mutants(models), MODELS, tried)
    show("Models", outcomes)
    assert outcomes.total() == MODELS
    assert {said.split(",")[0] for said in outcomes} >= {"refused", "stored: both backends answer"}
