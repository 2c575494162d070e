"""The command line of the benchmarks: `python -m benchmarks ...`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from benchmarks import BenchError
from hitparade.cli.terminal import AsJson, console, errors, show_rows
from hitparade.project import database
from hitparade.warehouse import WarehouseError

app = typer.Typer(
    help="Measure the speed and the quality of the models, and the cost of a build.",
    no_args_is_help=True,
)
# The size of generated playlists.
TRACKS, PLAYLISTS = 20_000, 5_800
ERRORS = (BenchError, WarehouseError, OSError)


@app.command()
def speed(
    rows: Annotated[
        int,
        typer.Option(
            min=1,
            help="Rows to score; slow contenders score 1/50 of them. A million rows of 129 inputs "
            "need 6 GB.",
        ),
    ] = 1_000_000,
    task: Annotated[
        list[str] | None,
        typer.Option(help="Task to measure; can be repeated. Default: hit and popularity."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare the speed of SQL functions, NumPy, a row-wise function and a scorer behind HTTP."""
    from benchmarks import speed as measure  # importing onnxruntime takes a while

    with errors(*ERRORS):
        names = task or ("hit", "popularity")
        found = measure.run(database(), rows, names, None if as_json else console)
    titles = (
        "CPU time of one thread; times: CPU time divided by that of the function",
        "One row: microseconds more than `select 1`",
        "Explanations; times: CPU time in which onnxruntime scores the mixed songs, divided by it",
    )
    _show(dict(zip(titles, found.values(), strict=True)), found, as_json)


@app.command()
def quality(
    seeds: Annotated[
        int, typer.Option(min=1, help="Number of splits; the first is that of the stored models.")
    ] = 3,
    task: Annotated[
        list[str] | None,
        typer.Option(help="Task to measure; can be repeated. Default: all with a model."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare every algorithm with the baseline, on the grouped folds of several splits."""
    from benchmarks import quality as measure

    with errors(*ERRORS):
        rows = measure.run(database(), seeds, task or (), None if as_json else console)
    table = [{name: row[name] for name in row if name != "aim"} for row in rows]
    _show({f"Means over the folds of {seeds} splits": table}, rows, as_json)
    if not as_json:
        for name, aim in {row["task"]: row["aim"] for row in rows if row["aim"]}.items():
            console.print(f"Aim of {name}: one model with {aim}", soft_wrap=True)


@app.command()
def signals(as_json: AsJson = False) -> None:
    """Measure whether other columns of the files would help, on splits by song and by artist."""
    from benchmarks import signals as measure

    with errors(*ERRORS):
        rows = measure.run(database(), None if as_json else console)
    _show({"XGBoost with and without each input": rows}, rows, as_json)


@app.command("slices")
def slices_cost(
    slices: Annotated[
        int, typer.Option(min=2, help="Number of slices to flatten, 33 MB each.")
    ] = 20,
    as_json: AsJson = False,
) -> None:
    """Compare the cost of flattening generated slices with that of only reading them."""
    from benchmarks import slices as cost

    with errors(*ERRORS):
        try:
            rows = cost.run(slices, None if as_json else console)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
    title = "times: slices per second divided by those of read_json"
    _show({title: rows}, rows, as_json)


@app.command("next-song")
def next_song_quality(
    tracks: Annotated[
        int, typer.Option(help="Number of distinct tracks in the playlists.")
    ] = TRACKS,
    playlists: Annotated[
        int, typer.Option(help="Number of playlists; fewer make the task harder.")
    ] = PLAYLISTS,
    challenge: Annotated[
        bool,
        typer.Option("--challenge", help="Measure by the protocol of the RecSys Challenge 2018."),
    ] = False,
    raw: Annotated[
        Path | None,
        typer.Option(
            help="With --challenge: a folder with slices, in the place of generated playlists.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare next-song models with the best achievable score, and time them in SQL."""
    from benchmarks import next_song as measure
    from models_py.examples import TrainingError

    if raw and not challenge:
        raise typer.BadParameter("--raw needs --challenge; see also `own-playlists`")
    if raw and (tracks, playlists) != (TRACKS, PLAYLISTS):
        raise typer.BadParameter("--tracks and --playlists are for generated playlists, not --raw")
    with errors(*ERRORS, TrainingError):
        try:
            if challenge:
                rows = measure.run_challenge(tracks, playlists, raw, None if as_json else console)
                _show({"Withheld tracks in lists of 500": rows}, rows, as_json)
                return
            found = measure.run(tracks, playlists, None if as_json else console)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
    titles = (
        "Next track of held-out playlists, ranked among all tracks",
        "Ratios of the metric, with 95 % intervals by paired bootstrap",
        "All remaining tracks of held-out playlists, by number of known tracks; the title is known",
        "Next tracks that no training playlist has",
        "CPU milliseconds per playlist, one thread; times: SQL divided by onnxruntime alone",
    )
    _show(dict(zip(titles, found.values(), strict=True)), found, as_json)


@app.command("own-playlists")
def own_playlists_quality(
    raw: Annotated[
        Path,
        typer.Argument(
            help="Folder with slices of playlists and, if you have it, the tracks file.",
            exists=True,
            file_okay=False,
        ),
    ],
    splits: Annotated[int, typer.Option(min=1, help="Splits into known and held out.")] = 5,
    seeds: Annotated[int, typer.Option(min=1, help="Hybrids trained for each split.")] = 3,
    as_json: AsJson = False,
) -> None:
    """Compare next-song models with simple rules on your own playlists."""
    from benchmarks import own_playlists as measure
    from models_py.examples import TrainingError

    with errors(*ERRORS, TrainingError):
        rows = measure.run(raw, splits, seeds, None if as_json else console)
    title = "Next track of held-out playlists; lead of the hybrid with 95 % interval"
    _show({title: rows}, rows, as_json)


@app.command("song-optimization")
def song_optimization_quality(as_json: AsJson = False) -> None:
    """Compare the gains that song optimizers predict with those of a held-out evaluator."""
    from benchmarks import song_optimization as measure

    with errors(*ERRORS):
        found = measure.run(database(), None if as_json else console)
    titles = (
        "Gains in points; judged: by the held-out evaluator; share: judged / claimed; "
        "confirmed: share of songs with a judged gain",
        "Judged gain of the served optimizer / that of others, with 95 % intervals",
        "CPU of one thread, 30 steps",
    )
    _show(dict(zip(titles, found.values(), strict=True)), found, as_json)


@app.command()
def estimators(
    match: Annotated[
        str, typer.Option(help="Regular expression of `family: case`. Default: every case.")
    ] = "",
    processes: Annotated[int, typer.Option(min=1, help="Number of processes.")] = 2,
    page: Annotated[
        bool, typer.Option("--page", help="Write all cases to docs/reference/estimators.md.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Register models of other tools, and compare their answers in SQL with their own."""
    from benchmarks.estimators import page as written
    from benchmarks.estimators import run as measure

    if page and match:
        raise typer.BadParameter("--page writes all cases: leave out --match")
    with errors(*ERRORS):
        rows = measure.run(database(), match, processes, None if as_json else console)
    if page:
        written.PAGE.write_text(written.text(rows))
    names = ("family", "case", "sql_backend", "difference", "other_labels")
    table = [{"result": written.result(row)} | {name: row[name] for name in names} for row in rows]
    _show({"Cases": [written.counts(rows)], "Each case": table}, rows, as_json)


@app.command()
def serve(
    seconds: Annotated[
        int, typer.Option(min=1, help="Seconds to keep up 200 requests a second.")
    ] = 10,
    as_json: AsJson = False,
) -> None:
    """Measure how fast `predict_hit` answers over HTTP."""
    from benchmarks import serve as measure

    with errors(*ERRORS):
        rows = measure.run(database(), seconds, None if as_json else console)
    _show(
        {"HTTP: milliseconds until the answer, and CPU time of server and workers": rows},
        rows,
        as_json,
    )


@app.command("build")
def build_cost(
    tracks: Annotated[int, typer.Option(help="Rows of the tracks file.")] = 114_000,
    songs: Annotated[int, typer.Option(help="Rows of the chart songs file.")] = 953,
    playlists: Annotated[int, typer.Option(help="Number of playlists, 1,000 per slice.")] = 2_000,
    as_json: AsJson = False,
) -> None:
    """Build a sample twice in a temporary folder; measure time, memory and the slowest nodes."""
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


@app.command()
def load(
    clients: Annotated[int, typer.Option(min=1, help="Connections at the same time.")] = 64,
    minutes: Annotated[float, typer.Option(help="How long they ask.")] = 10.0,
    workers: Annotated[int, typer.Option(min=1, help="Processes of the server.")] = 2,
    as_json: AsJson = False,
) -> None:
    """Ask a server from many connections while files are published, and compare every row."""
    from benchmarks import load as measure

    with errors(*ERRORS):
        found = measure.run(database(), clients, minutes, workers)
    _show({"PostgreSQL clients of one server": [found]}, found, as_json)


def _show(tables: dict[str, list[dict]], found: list | dict, as_json: bool) -> None:
    if as_json:
        print(json.dumps(found, indent=2))
        return
    console.width = max(console.width, 165)
    for title, rows in tables.items():
        # Four digits, because a model and its baseline may be close.
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
