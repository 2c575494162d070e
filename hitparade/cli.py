"""The `hitparade` command."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

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
    try:
        _write_missing_sample()
    except raw.RawFileError as error:
        console.print(f"[red]{error}[/red]", soft_wrap=True)
        raise typer.Exit(1) from error
    database = _database()
    environment = os.environ | {"HITPARADE_DATABASE": str(database)}
    dbt = [sys.executable, "-m", "dbt.cli.main", "build"]
    if subprocess.run(dbt, cwd=raw.ROOT, env=environment).returncode:
        raise typer.Exit(1)
    summary.show(console, database)


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
    """The database file, as profiles.yml finds it when dbt runs in the root."""
    return (raw.ROOT / os.environ.get("HITPARADE_DATABASE", "hitparade.duckdb")).resolve()
