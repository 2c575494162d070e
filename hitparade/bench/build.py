"""`hitparade bench build`: what it costs to build a sample of some size, from nothing and again."""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from hitparade import raw
from hitparade.bench import BenchError, measured
from hitparade.sample import write_sample
from hitparade.warehouse import opened

SLOWEST = 10
# Of dbt's output, what an error shows.
LAST_LINES = 30
CANDIDATES = """
    select task, algorithm, train_rows, train_seconds, onnx_bytes
    from ml.model_versions
    order by all
"""


def run(tracks: int, songs: int, console: Console | None = None) -> dict[str, list[dict]]:
    """Write a sample, build a warehouse of it twice in a folder that is removed at the end.

    Args:
        tracks: rows of the tracks file.
        songs: rows of the chart songs file.
        console: where to say what is going on; nowhere without it.

    Returns:
        `builds`: the first and the unchanged second, each with its seconds, the peak memory of
        dbt alone and the size of the database after it; `nodes`: the slowest of the first, whose
        seconds overlap, for dbt works on several at a time; `candidates`: what each model took.

    Raises:
        ValueError: a size that the sample cannot have.
        BenchError: dbt failed.
    """
    say = console or Console(quiet=True)
    with TemporaryDirectory(prefix="hitparade_bench_") as name, say.status("") as status:
        folder = Path(name)
        status.update(f"writing a sample of {tracks:,} tracks and {songs:,} songs")
        write_sample(folder / "sample", songs=songs, tracks=tracks)
        (folder / "raw").mkdir()
        status.update("building it from nothing")
        first = _build(folder, "first")
        nodes = _slowest(folder / "target" / "run_results.json")
        status.update("building it again, unchanged")
        again = _build(folder, "unchanged")
        with opened(_database(folder)) as connection:
            found = connection.execute(CANDIDATES)
            names = [column[0] for column in found.description]
            candidates = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    return {"builds": [first, again], "nodes": nodes, "candidates": candidates}


def _database(folder: Path) -> Path:
    return folder / "bench.duckdb"


def _build(folder: Path, name: str) -> dict:
    """Build once; of dbt's own files nothing goes to those of the project."""
    own = {
        "HITPARADE_DATABASE": _database(folder),
        "HITPARADE_RAW": folder / "raw",
        "HITPARADE_SAMPLE": folder / "sample",
        "DBT_TARGET_PATH": folder / "target",
        "DBT_LOG_PATH": folder / "logs",
        "DBT_USE_COLORS": "false",
    }
    dbt = Path(sys.executable).with_name("dbt")
    output, found = folder / "output.txt", folder / "measured.json"
    with output.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-I", measured.__file__, found, dbt, "build"],
            cwd=raw.ROOT,
            env=os.environ | {key: str(value) for key, value in own.items()},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
        try:
            code = process.wait()
        except KeyboardInterrupt:
            process.wait()
            raise
    if code:
        lines = output.read_text(encoding="utf-8").splitlines()[-LAST_LINES:]
        raise BenchError(
            "\n".join(lines)
            + f"\nThe {name} build of the sample failed, as dbt says above: look there first; then "
            "give another size by --tracks and --songs, or see whether `hitparade build` works"
        )
    size = _database(folder).stat().st_size / 1e6
    return {"build": name} | json.loads(found.read_text()) | {"database_mb": size}


def _slowest(run_results: Path) -> list[dict]:
    results = json.loads(run_results.read_text(encoding="utf-8"))["results"]
    results.sort(key=lambda result: result["execution_time"], reverse=True)
    nodes = []
    for result in results[:SLOWEST]:
        kind, _, name, *_ = result["unique_id"].split(".")
        nodes.append({"kind": kind, "node": name, "seconds": result["execution_time"]})
    return nodes
