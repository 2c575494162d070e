"""The `hitparade` command."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from hitparade import cli_registry, raw, summary
from hitparade.terminal import console, errors, show_rows
from hitparade.warehouse import WarehouseError, connect, database

app = typer.Typer(
    help="In-database machine learning for music analytics.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
bench = typer.Typer(
    help="Measure speed and quality of the models, and the cost of a build.", no_args_is_help=True
)
app.add_typer(bench, name="bench")
app.add_typer(cli_registry.app)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@app.command()
def sample(
    songs: Annotated[int, typer.Option(help="Rows of the chart songs file.")] = 953,
    tracks: Annotated[int, typer.Option(help="Rows of the tracks file; 114000 is full size.")] = (
        12_000
    ),
    seed: Annotated[int, typer.Option(help="Another seed is another world.")] = 2023,
    folder: Annotated[Path, typer.Option(help="Where to write.")] = raw.SAMPLE_FOLDER,
) -> None:
    """Write sample data in the raw formats, the same for the same options."""
    from hitparade.sample import write_sample  # takes as long to import as the rest together

    try:
        for path in write_sample(folder, songs=songs, tracks=tracks, seed=seed):
            console.print(f"wrote {path}", soft_wrap=True)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


@app.command()
def build() -> None:
    """Build the warehouse from the raw files, or from a sample where there are none."""
    file = database()
    with errors(raw.RawFileError, WarehouseError, OSError):
        _write_missing_sample()
        _read_raw_files()
        _check_writable(file)
    dbt = Path(sys.executable).with_name("dbt")
    result = subprocess.run(
        [dbt, "build"], cwd=raw.ROOT, env=_dbt_environment(), stderr=subprocess.PIPE, text=True
    )
    sys.stderr.write("".join(_without_leak_report(result.stderr)))
    if result.returncode:
        raise typer.Exit(1)
    console.print()
    summary.show(console, file)


def _without_leak_report(text: str) -> list[str]:
    """The lines but for what DuckDB's Python binding says of its own objects at exit."""
    noise = ("nanobind: ", " - leaked ", " - ... skipped ", "See https://nanobind.")
    return [line for line in text.splitlines(keepends=True) if not line.startswith(noise)]


def _read_raw_files() -> None:
    """Read what dbt will read, so that a bad file is named once, before anything runs."""
    for source in raw.SOURCES:
        raw.read(source)
    folder = raw.raw_folder()
    expected = {source.file for source in raw.SOURCES.values()}
    ignored = sorted({path.name for path in folder.glob("*.csv")} - expected)
    if ignored:
        console.print(
            f"Not used in {folder}: {', '.join(ignored)}. Files are known by their names: "
            "spotify-2023.csv, dataset.csv",
            markup=False,
            soft_wrap=True,
        )


def _check_writable(database: Path) -> None:
    """Say who holds the file, or what is wrong with it, before dbt begins."""
    if not database.parent.is_dir():
        raise OSError(f"HITPARADE_DATABASE is in {database.parent}, which is not a folder")
    if database.exists():
        connect(database).close()


def _dbt_environment() -> dict[str, str]:
    """The environment of dbt, which runs in the root, whatever folder this command runs in."""
    names = ("HITPARADE_DATABASE", "HITPARADE_RAW", "HITPARADE_SAMPLE")
    given = {name: os.environ[name] for name in names if os.environ.get(name, "0") != "0"}
    if Path.cwd() != raw.ROOT:
        given = {name: str(Path(value).resolve()) for name, value in given.items()}
    return os.environ | given


@bench.command()
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
    from hitparade.bench import speed as measure  # onnxruntime takes a while to import

    with _bench_errors():
        names = task or ("hit", "popularity")
        found = measure.run(database(), rows, names, None if as_json else console)
    titles = (
        "CPU time of one thread; times: how many times as long as onnx_predict",
        "One row: microseconds above `select 1`",
    )
    _print_bench(dict(zip(titles, found.values(), strict=True)), found, as_json)


@bench.command()
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
    from hitparade.bench import quality as measure

    with _bench_errors():
        rows = measure.run(database(), seeds, task or (), None if as_json else console)
    table = [{name: row[name] for name in row if name != "aim"} for row in rows]
    _print_bench({f"Means over the folds, splits: {seeds}": table}, rows, as_json)
    if not as_json:
        for name, aim in {row["task"]: row["aim"] for row in rows if row["aim"]}.items():
            console.print(f"The aim of {name}: {aim}, by one model", soft_wrap=True)


@bench.command()
def signals(as_json: AsJson = False) -> None:
    """Measure what else in the files might help, on splits by song and by artist."""
    from hitparade.bench import signals as measure

    with _bench_errors():
        rows = measure.run(database(), None if as_json else console)
    _print_bench({"XGBoost with and without each idea": rows}, rows, as_json)


@bench.command("build")
def build_cost(
    tracks: Annotated[int, typer.Option(help="Rows of the tracks file.")] = 114_000,
    songs: Annotated[int, typer.Option(help="Rows of the chart songs file.")] = 953,
    as_json: AsJson = False,
) -> None:
    """Build a sample twice in a temporary folder: seconds, memory, the slowest nodes."""
    from hitparade.bench import build as cost

    with _bench_errors():
        try:
            found = cost.run(tracks, songs, None if as_json else console)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
    titles = (
        f"dbt build of {tracks:,} tracks and {songs:,} songs",
        "Slowest nodes of the first build",
        "Candidates",
    )
    _print_bench(dict(zip(titles, found.values(), strict=True)), found, as_json)


@contextmanager
def _bench_errors() -> Iterator[None]:
    from hitparade.bench import BenchError
    from hitparade.warehouse import WarehouseError

    try:
        yield
    except (BenchError, WarehouseError, OSError) as error:
        console.print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1) from error


def _print_bench(tables: dict[str, list[dict]], found: list | dict, as_json: bool) -> None:
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


@app.command()
def tune(
    task: Annotated[str, typer.Argument(help="The task, such as hit.")],
    algorithm: Annotated[
        list[str] | None,
        typer.Option(help="What to search; again for more. All that have a space without it."),
    ] = None,
    trials: Annotated[int, typer.Option(min=1, help="Trials of each algorithm at most.")] = 30,
    seconds: Annotated[
        int, typer.Option(min=1, help="Time of all searches; to measure fold 0 comes on top.")
    ] = 600,
    seed: Annotated[int, typer.Option(help="Another seed tries other settings.")] = 0,
    output: Annotated[
        Path | None, typer.Option(help="Where to write; tuned/TASK.yml without it.")
    ] = None,
) -> None:
    """Search better hyperparameters for a task; what is found is yours to paste."""
    from hitparade import tune as tuning  # optuna and the models take a while to import
    from hitparade.warehouse import WarehouseError
    from models_py.examples import TrainingError

    limits = tuning.Limits(trials, seconds, seed)
    try:
        output = output or Path("tuned", f"{task}.yml")
        tuning.run(console, database(), task, algorithm or (), limits, output)
    except (tuning.TuneError, WarehouseError, TrainingError, OSError) as error:
        console.print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1) from error
    except KeyboardInterrupt as stop:
        console.print("Stopped; finished trials are kept in ml.tuning_trials.")
        raise typer.Exit(130) from stop


@app.command()
def report(
    output: Annotated[Path, typer.Option(help="Where to write the page.")] = Path("report.html"),
) -> None:
    """Write one HTML page with the plots of a finished warehouse; it needs no network."""
    from hitparade import report as pages  # plotly takes a while to import

    if not database().is_file():
        console.print(f"There is no {database()}: run `hitparade build`", soft_wrap=True)
        raise typer.Exit(1)
    try:
        pages.write(database(), output)
    except (pages.ReportError, OSError) as error:
        console.print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1) from error
    console.print(f"wrote {output} ({output.stat().st_size / 1e6:.1f} MB)", soft_wrap=True)


def _write_missing_sample() -> None:
    """Give every source that the user did not give a sample, unless samples are switched off."""
    folder = raw.sample_folder()
    absent = [name for name in ("chart_songs", "tracks") if raw.locate(name)[1] == "absent"]
    if folder and absent:
        from hitparade.sample import write_sample

        console.print(f"No file for {', '.join(absent)}: writing a sample to {folder}")
        write_sample(folder)
