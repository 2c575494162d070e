"""The `hitparade` command."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import duckdb
import typer
from rich.console import Console

from hitparade import raw, summary

app = typer.Typer(
    help="In-database machine learning for music analytics.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = Console()


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
    database = _database()
    try:
        _write_missing_sample()
        _read_raw_files()
        _check_writable(database)
    except (raw.RawFileError, OSError) as error:
        console.print(f"[red]{error}[/red]", soft_wrap=True)
        raise typer.Exit(1) from error
    dbt = Path(sys.executable).with_name("dbt")
    if subprocess.run([dbt, "build"], cwd=raw.ROOT, env=_dbt_environment()).returncode:
        raise typer.Exit(1)
    summary.show(console, database)


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
            soft_wrap=True,
        )


def _check_writable(database: Path) -> None:
    """Say who holds the file before dbt does so in a traceback."""
    if not database.parent.is_dir():
        raise OSError(f"HITPARADE_DATABASE is in {database.parent}, which is not a folder")
    if database.exists():
        try:
            duckdb.connect(database).close()
        except duckdb.IOException as error:
            raise OSError(f"{error}\nClose the program that has the file open.") from error


def _dbt_environment() -> dict[str, str]:
    """The environment of dbt, which runs in the root, whatever folder this command runs in."""
    names = ("HITPARADE_DATABASE", "HITPARADE_RAW", "HITPARADE_SAMPLE")
    given = {name: os.environ[name] for name in names if os.environ.get(name, "0") != "0"}
    if Path.cwd() != raw.ROOT:
        given = {name: str(Path(value).resolve()) for name, value in given.items()}
    return os.environ | given


@app.command()
def bench(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Time the models in both lanes: one row, and 2,000 rows as a multiple of onnxruntime."""
    from hitparade import bench as benchmarks  # onnxruntime takes a while to import

    if not _database().is_file():
        console.print(f"There is no {_database()}: run `hitparade build`", soft_wrap=True)
        raise typer.Exit(1)
    rows = benchmarks.run(_database())
    if as_json:
        print(json.dumps(rows, indent=2))
    else:
        summary.show_rows(
            console, "One row (ms), and 2,000 rows against onnxruntime; best of 5, one thread", rows
        )


def _write_missing_sample() -> None:
    """Give every source that the user did not give a sample, unless samples are switched off."""
    folder = raw.sample_folder()
    absent = [name for name in ("chart_songs", "tracks") if raw.locate(name)[1] == "absent"]
    if folder and absent:
        from hitparade.sample import write_sample

        console.print(f"No file for {', '.join(absent)}: writing a sample to {folder}")
        write_sample(folder)


def _database() -> Path:
    """The database file: `HITPARADE_DATABASE` from here, else hitparade.duckdb in the root."""
    named = os.environ.get("HITPARADE_DATABASE")
    return Path(named).resolve() if named else raw.ROOT / "hitparade.duckdb"
