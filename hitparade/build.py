"""A build: raw files checked, a sample for those that are absent, then dbt."""

import os
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from hitparade import load, raw, slices
from hitparade.warehouse import connect, database


def run(console: Console, target: str = "duckdb") -> bool:
    """Build the warehouse by `dbt build`; return whether all of it succeeded.

    Raises:
        raw.RawFileError: a raw file cannot be read.
        WarehouseError: the database file cannot be used.
        load.LoadError: Snowflake refused the raw files.
        OSError: a file or folder cannot be written.
    """
    write_missing_sample(console)
    _read_raw_files(console)
    if target == "snowflake":
        load.run(console)
    else:
        _check_writable(database())
    dbt = Path(sys.executable).with_name("dbt")
    result = subprocess.run(
        [dbt, "build", "--target", target],
        cwd=raw.ROOT,
        env=_dbt_environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    sys.stderr.write("".join(without_leak_report(result.stderr)))
    return result.returncode == 0


def write_missing_sample(console: Console) -> None:
    """Give every source that the user did not give a sample, unless samples are switched off."""
    folder = raw.sample_folder()
    absent = [name for name in ("chart_songs", "tracks") if raw.locate(name)[1] == "absent"]
    absent += [] if slices.listed().num_rows else ["playlists"]
    if folder and absent:
        from hitparade.sample import write_sample

        console.print(f"No file for {', '.join(absent)}: writing a sample to {folder}")
        write_sample(folder)


def _read_raw_files(console: Console) -> None:
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


def without_leak_report(text: str) -> list[str]:
    """The lines but for what DuckDB's Python binding says of its own objects at exit."""
    noise = ("nanobind: ", " - leaked ", " - ... skipped ", "See https://nanobind.")
    return [line for line in text.splitlines(keepends=True) if not line.startswith(noise)]
