"""`python -m benchmarks build`: the cost of building a sample, from nothing and again."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from benchmarks.warehouses import DATABASE, dbt
from hitparade.sample import write_sample
from hitparade.warehouse import opened

SLOWEST = 10
ADVICE = (
    "give another size by --tracks, --songs and --playlists, or see whether `hitparade build` works"
)
CANDIDATES = """
    select task, algorithm, train_rows, train_seconds, onnx_bytes
    from ml.model_versions
    order by all
"""


def run(
    tracks: int, songs: int, playlists: int, console: Console | None = None
) -> dict[str, list[dict]]:
    """Write a sample, build a warehouse of it twice in a folder that is removed at the end.

    Args:
        tracks: rows of the tracks file.
        songs: rows of the chart songs file.
        playlists: playlists in the slices.
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
        status.update(
            f"writing a sample of {tracks:,} tracks, {songs:,} songs and {playlists:,} playlists"
        )
        write_sample(folder / "sample", songs=songs, tracks=tracks, playlists=playlists)
        (folder / "raw").mkdir()
        status.update("building it from nothing")
        first = {"build": "first"} | dbt(folder, ["build"], ADVICE)
        nodes = _slowest(folder / "target" / "run_results.json")
        status.update("building it again, unchanged")
        again = {"build": "unchanged"} | dbt(folder, ["build"], ADVICE)
        with opened(folder / DATABASE) as connection:
            found = connection.execute(CANDIDATES)
            names = [column[0] for column in found.description]
            candidates = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    return {"builds": [first, again], "nodes": nodes, "candidates": candidates}


def _slowest(run_results: Path) -> list[dict]:
    results = json.loads(run_results.read_text(encoding="utf-8"))["results"]
    results.sort(key=lambda result: result["execution_time"], reverse=True)
    nodes = []
    for result in results[:SLOWEST]:
        kind, _, name, *_ = result["unique_id"].split(".")
        nodes.append({"kind": kind, "node": name, "seconds": result["execution_time"]})
    return nodes
