"""`hitparade build`: check the raw files, write a sample for missing ones, then run dbt."""

from datetime import UTC, datetime

from rich.console import Console

from hitparade import project
from hitparade.output import short, wrote
from hitparade.pipeline import dbt, publish
from hitparade.sources import folders, raw, slices, snowflake
from hitparade.warehouse import WarehouseError


def run(console: Console, target: str = "duckdb") -> bool:
    """Build the warehouse with `dbt build`, publish it, and return whether the build succeeded.

    Raises:
        raw.RawFileError: a raw file cannot be read.
        WarehouseError: the database file cannot be used.
        snowflake.LoadError: Snowflake refused the raw files.
        OSError: a file or folder cannot be written.
    """
    started_at = datetime.now(UTC)
    write_missing_sample(console)
    try:
        _read_raw_files()
    except raw.RawFileError as error:
        if target == "duckdb":
            _record(error, started_at)
        raise
    if target == "duckdb":
        return publish.build(console, project.database())
    snowflake.run(console)
    return dbt.run("build", "--target", target)


def write_missing_sample(console: Console) -> None:
    """Write a sample for each source without a file, unless samples are switched off."""
    folder = folders.sample_folder()
    absent = [name for name in ("chart_songs", "tracks") if raw.locate(name)[1] == "absent"]
    absent += [] if slices.listed().num_rows else ["playlists"]
    if folder and absent:
        from hitparade.sample import write_sample

        console.print(
            f"No file for {', '.join(absent)}: writing a sample to {short(folder)}", soft_wrap=True
        )
        for path in write_sample(folder):
            wrote(console, path)


def _record(error: raw.RawFileError, started_at: datetime) -> None:
    """Record a failed build in the database; the raw file's error is raised in any case."""
    try:
        publish.record_failure(project.database(), started_at, str(error))
    except (WarehouseError, OSError) as other:
        raise raw.RawFileError(f"{error}\n{other}") from other


def _read_raw_files() -> None:
    """Read the raw files before dbt does, so that a bad file is reported once."""
    for source in raw.SOURCES:
        raw.read(source)
