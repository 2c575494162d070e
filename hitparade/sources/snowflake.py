"""`hitparade load`: write raw files and code as stage files, and have dbt load them into Snowflake.

DuckDB reads raw files in place. For Snowflake, tables are written as CSV files of text, and
playlists as JSON, one per line, because a slice exceeds the largest size of a value.
"""

import csv
import gzip
import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator
from importlib.resources import as_file, files
from pathlib import Path

import pyarrow as pa
from rich.console import Console

from hitparade.pipeline import dbt
from hitparade.sources import raw, slices

CODE = ("models_py", "udfs")
CODE_FILE = "hitparade.zip"
# A fast compression level, because compressing takes longer than the upload.
FAST = 1
# How a CSV file writes NULL; an empty string is not NULL.
NULL = "\\N"
# A fixed time that the zip format can store, so that a zip of the same code has the same bytes.
ZIP_DATE = (2020, 1, 1, 0, 0, 0)


class LoadError(RuntimeError):
    """The load failed; dbt has printed the cause."""


def run(console: Console) -> None:
    """Load raw files and code into the Snowflake account of the profile's target.

    Raises:
        raw.RawFileError: a raw file cannot be read.
        LoadError: Snowflake refused the load.
    """
    with tempfile.TemporaryDirectory() as folder:
        for file in write(Path(folder)):
            console.print(f"to load: {file.name} ({file.stat().st_size / 1e6:.1f} MB)")
        code = fingerprint(Path(folder, CODE_FILE))
        arguments = json.dumps({"folder": folder, "code": code})
        if not dbt.run("run-operation", "load_raw", "--target", "snowflake", "--args", arguments):
            raise LoadError("the load failed: fix what dbt reports above, and load again")
    account, name = (os.environ.get(f"SNOWFLAKE_{key}") for key in ("ACCOUNT", "DATABASE"))
    console.print(f"wrote database {name or 'hitparade'} of account {account}", soft_wrap=True)


def write(folder: Path) -> list[Path]:
    """Write the files for Snowflake to a folder, and return them.

    Raises:
        raw.RawFileError: a raw file cannot be read.
    """
    tables = {name: raw.read(name).records for name in raw.SOURCES}
    listed = slices.unpacked()
    rows = listed.to_pylist()
    # Paths of this machine are not loaded.
    place = listed.schema.get_field_index("path")
    listed = listed.set_column(place, "path", listed.column("slice"))
    tables |= {"files": raw.files(), "slices": listed}
    written = [_write_csv(folder / f"{name}.csv.gz", table) for name, table in tables.items()]
    written.append(_write_playlists(folder / "playlists.json.gz", rows))
    written.append(write_code(folder / CODE_FILE))
    return written


def _write_csv(file: Path, table: pa.Table) -> Path:
    with gzip.open(file, "wt", FAST, encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow(table.column_names)
        for batch in table.to_batches():
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                writer.writerow([NULL if value is None else value for value in row])
    return file


def _write_playlists(file: Path, listed: list[dict]) -> Path:
    with gzip.open(file, "wt", FAST, encoding="utf-8") as opened:
        for row in listed:
            own = {"slice": row["slice"], "fingerprint": row["fingerprint"]}
            for playlist in playlists(Path(row["path"])):
                opened.write(json.dumps(own | playlist) + "\n")
    return file


def playlists(file: Path) -> Iterator[dict]:
    """Yield each playlist of a slice as JSON text with its place, or the rule that it breaks."""
    judged = slices.judged(file)
    if judged["rule"]:
        own = {"slice_rule": judged["rule"], "slice_reason": judged["reason"]}
        yield own | {"content": None, "place": None}
        return
    for place, playlist in zip(judged["places"], judged["playlists"], strict=True):
        content = json.dumps(playlist, ensure_ascii=False)
        yield {"slice_rule": None, "slice_reason": None, "content": content, "place": place}


def write_code(file: Path) -> Path:
    """Write the installed Python code that runs inside Snowflake as one zip file."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as opened:
        for package in CODE:
            with as_file(files(package)) as folder:
                for path in sorted(folder.rglob("*.py")):
                    name = path.relative_to(folder.parent).as_posix()
                    opened.writestr(zipfile.ZipInfo(name, ZIP_DATE), path.read_bytes())
    return file


def fingerprint(code: Path) -> str:
    """Return a short hash of a zip file."""
    return hashlib.sha256(code.read_bytes()).hexdigest()[:16]
