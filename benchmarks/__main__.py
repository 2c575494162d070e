"""The benchmarks: `python -m benchmarks ...`."""

import json
from typing import Annotated

import typer

from benchmarks import BenchError
from hitparade.cli.terminal import AsJson, console, errors, show_rows
from hitparade.project import database
from hitparade.warehouse import WarehouseError

app = typer.Typer(
    help="Measure speed and quality of the models, and the cost of a build.", no_args_is_help=True
)
ERRORS = (BenchError, WarehouseError, OSError)


@app.command()
def speed(
    rows: Annotated[
        int, typer.Option(min=1, help="A million of 129 inputs take 6 GB; slow ways score 1/50.")
    ] = 1_000_000,
    task: Annotated[
        list[str] | None, typer.Option(help="What to measure; again for more. hit and popularity.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Time the SQL functions against NumPy, a row-wise function and a scorer behind HTTP."""
    from benchmarks import speed as measure  # onnxruntime takes a while to import

    with errors(*ERRORS):
        names = task or ("hit", "popularity")
        found = measure.run(database(), rows, names, None if as_json else console)
    titles = (
        "CPU time of one thread; times: how many times as long as onnx_predict",
        "One row: microseconds above `select 1`",
    )
    _show(dict(zip(titles, found.values(), strict=True)), found, as_json)


@app.command()
def quality(
    seeds: Annotated[
        int, typer.Option(min=1, help="Splits to measure on; the first is the stored one.")
    ] = 3,
    task: Annotated[
        list[str] | None, typer.Option(help="What to measure; again for more. All without it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure every algorithm beside the baseline, on the grouped folds of several splits."""
    from benchmarks import quality as measure

    with errors(*ERRORS):
        rows = measure.run(database(), seeds, task or (), None if as_json else console)
    table = [{name: row[name] for name in row if name != "aim"} for row in rows]
    _show({f"Means over the folds, splits: {seeds}": table}, rows, as_json)
    if not as_json:
        for name, aim in {row["task"]: row["aim"] for row in rows if row["aim"]}.items():
            console.print(f"The aim of {name}: {aim}, by one model", soft_wrap=True)


@app.command()
def signals(as_json: AsJson = False) -> None:
    """Measure what else in the files might help, on splits by song and by artist."""
    from benchmarks import signals as measure

    with errors(*ERRORS):
        rows = measure.run(database(), None if as_json else console)
    _show({"XGBoost with and without each idea": rows}, rows, as_json)


@app.command("slices")
def slices_cost(
    slices: Annotated[int, typer.Option(min=2, help="Slices to flatten, 33 MB each.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Flatten generated slices of playlists, beside DuckDB merely reading them."""
    from benchmarks import slices as cost

    with errors(*ERRORS):
        try:
            rows = cost.run(slices, None if as_json else console)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
    _show({"times: slices a second over those of read_json": rows}, rows, as_json)


@app.command("next-song")
def next_song_quality(
    tracks: Annotated[int, typer.Option(help="Different tracks of the playlists.")] = 20_000,
    playlists: Annotated[int, typer.Option(help="Playlists; few are hard.")] = 5_800,
    as_json: AsJson = False,
) -> None:
    """Measure models of the next song beside the best possible one, and time them in SQL."""
    from benchmarks import next_song as measure

    with errors(*ERRORS):
        try:
            found = measure.run(tracks, playlists, None if as_json else console)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
    titles = (
        "Next track of held-out playlists, ranked among all tracks",
        "How many times as good, with intervals of 95 % by paired bootstrap",
        "The rest of held-out playlists, with so many tracks and the title known",
        "Next tracks that no playlist of the training has",
        "CPU milliseconds a playlist, one thread; times: SQL over onnxruntime alone",
    )
    _show(dict(zip(titles, found.values(), strict=True)), found, as_json)


@app.command("song-optimization")
def song_optimization_quality(as_json: AsJson = False) -> None:
    """Measure what optimisers of songs promise, and what an independent judge makes of it."""
    from benchmarks import song_optimization as measure

    with errors(*ERRORS):
        found = measure.run(database(), None if as_json else console)
    titles = (
        "Gains in points on songs of other artists; share: judged of claimed; confirmed: of songs",
        "How many times the gain by the judge, as served, with intervals of 95 % by bootstrap",
        "CPU of one thread, 30 steps",
    )
    _show(dict(zip(titles, found.values(), strict=True)), found, as_json)


@app.command("build")
def build_cost(
    tracks: Annotated[int, typer.Option(help="Rows of the tracks file.")] = 114_000,
    songs: Annotated[int, typer.Option(help="Rows of the chart songs file.")] = 953,
    playlists: Annotated[int, typer.Option(help="Playlists, a thousand a slice.")] = 2_000,
    as_json: AsJson = False,
) -> None:
    """Build a sample twice in a temporary folder: seconds, memory, the slowest nodes."""
    from benchmarks import build as cost

    with errors(*ERRORS):
        try:
            found = cost.run(tracks, songs, playlists, None if as_json else console)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
    titles = (
        f"dbt build of {tracks:,} tracks, {songs:,} songs and {playlists:,} playlists",
        "Slowest nodes of the first build",
        "Candidates",
    )
    _show(dict(zip(titles, found.values(), strict=True)), found, as_json)


def _show(tables: dict[str, list[dict]], found: list | dict, as_json: bool) -> None:
    if as_json:
        print(json.dumps(found, indent=2))
        return
    console.width = max(console.width, 165)
    for title, rows in tables.items():
        # Four digits, for a model and its baseline may be close.
        text = [
            {
                name: _four_digits(cell) if isinstance(cell, float) else cell
                for name, cell in row.items()
            }
            for row in rows
        ]
        show_rows(title, text)


def _four_digits(number: float) -> str:
    return f"{number:.4g}" if abs(number) < 1_000 else f"{number:.0f}"


if __name__ == "__main__":
    app()
