"""`python -m benchmarks build`: the cost of a first build of a sample, and of an unchanged one."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from benchmarks.warehouses import DATABASE, dbt
from hitparade.sample import write_sample
from hitparade.warehouse import opened

SLOWEST = 10
ADVICE = (
    "give another size by --tracks, --songs and --playlists, or check that `hitparade build` works"
)
CANDIDATES = """
    select task, algorithm, train_rows, train_seconds, onnx_bytes
    from ml.model_versions
    order by all
"""


def run(
    tracks: int, songs: int, playlists: int, console: Console | None = None
) -> dict[str, list[dict]]:
    """Write a sample and build it twice in a temporary folder.

    Args:
        tracks: rows of the tracks file.
        songs: rows of the chart songs file.
        playlists: playlists in the slices.
        console: shows the progress; None shows nothing.

    Returns:
        `builds`: the first build and the unchanged second one, see `warehouses.dbt`.
        `nodes`: the slowest nodes of the first build. Their seconds overlap, because dbt runs
        several at a time.
        `candidates`: rows, seconds and bytes of each trained model.

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
        status.update("building it for the first time")
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
