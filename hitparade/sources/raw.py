"""Find the raw file of each source, and read its records as text.

A file is read as its publisher ships it. The staging models cast its values, and send records that
they cannot use to quarantine.
"""

import codecs
import csv
import hashlib
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import pyarrow as pa

from hitparade import project

SLICES = "mpd.slice.*.json"
DELIMITERS = (",", ";", "\t")
# Tried in this order; latin-1 accepts any bytes, so it comes last.
ENCODINGS = ("utf-8-sig", "cp1252", "latin-1")

# Largest length of a header in a message: a file that is not CSV may have a line of any length.
SHOWN = 500

# Errors of the csv module for a quote that is never closed and so contains all later records.
NEVER_CLOSED = ("unexpected end of data", "field larger than field limit")

Status = Literal["real", "sample", "absent"]


class RawFileError(ValueError):
    """A raw file cannot be read; the message names the file and the next step."""


@dataclass(frozen=True)
class Source:
    """A raw file: its name, the columns that staging needs, and the optional ones."""

    file: str
    needed: tuple[str, ...]
    optional: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that are read, in order."""
        return self.needed + self.optional


SOURCES = {
    "chart_songs": Source(
        file="spotify-2023.csv",
        needed=(
            "track_name",
            "artist(s)_name",
            "artist_count",
            "released_year",
            "released_month",
            "released_day",
            "streams",
            "bpm",
            "key",
            "mode",
            "danceability_%",
            "valence_%",
            "energy_%",
            "acousticness_%",
            "instrumentalness_%",
            "liveness_%",
            "speechiness_%",
        ),
        optional=(
            "in_spotify_playlists",
            "in_spotify_charts",
            "in_apple_playlists",
            "in_apple_charts",
            "in_deezer_playlists",
            "in_deezer_charts",
            "in_shazam_charts",
        ),
    ),
    "tracks": Source(
        file="dataset.csv",
        needed=(
            "track_id",
            "artists",
            "album_name",
            "track_name",
            "popularity",
            "duration_ms",
            "explicit",
            "danceability",
            "energy",
            "key",
            "loudness",
            "mode",
            "speechiness",
            "acousticness",
            "instrumentalness",
            "liveness",
            "valence",
            "tempo",
            "time_signature",
            "track_genre",
        ),
    ),
    # Best achievable scores on the sample, written by `hitparade sample` beside the other files.
    "ceilings": Source(
        file="ceilings.csv", needed=("source", "task", "metric", "ceiling", "rows", "definition")
    ),
}


@dataclass(frozen=True)
class RawFile:
    """The contents of one source: `records` has a text column for each column of the file."""

    source: str
    status: Status
    path: Path | None
    encoding: str | None
    delimiter: str | None
    sha256: str | None
    records: pa.Table


def raw_folder() -> Path:
    """Return the folder of the user's files: `HITPARADE_RAW`, else data/raw of the project.

    Raises:
        ProjectError: the variable is not set, and there is no project.
        RawFileError: `HITPARADE_RAW` is not a folder.
    """
    named = os.environ.get("HITPARADE_RAW")
    if not named:
        return project.root() / "data" / "raw"
    if not Path(named).is_dir():
        raise RawFileError(
            f"HITPARADE_RAW names {named}, which is not a folder: "
            "create it, or unset HITPARADE_RAW to use data/raw or the sample"
        )
    return Path(named)


def sample_folder() -> Path | None:
    """Return the folder of the sample: `HITPARADE_SAMPLE`, else the project's; None if it is 0.

    Raises:
        ProjectError: the variable is not set, and there is no project.
    """
    named = os.environ.get("HITPARADE_SAMPLE")
    if named == "0":
        return None
    return Path(named) if named else own_sample_folder()


def own_sample_folder() -> Path:
    """Return data/sample of the project.

    Raises:
        ProjectError: there is no project.
    """
    return project.root() / "data" / "sample"


def locate(source: str) -> tuple[Path | None, Status]:
    """Return the file of a source and its status: the user's, the sample's, or absent."""
    file, folder = SOURCES[source].file, sample_folder()
    if source != "ceilings" and (path := raw_folder() / file).is_file():
        return path, "real"
    if folder and (folder / file).is_file():
        return folder / file, "sample"
    return None, "absent"


def read(source: str) -> RawFile:
    """Read one source: its text columns, then `line_number` and `unparsed`.

    If the number of cells of a record differs from the header's, its cells are NULL and `unparsed`
    has the whole record. An absent source has no records.

    Raises:
        RawFileError: the file is empty, lacks a needed column, or is not text.
    """
    path, status = locate(source)
    if all(locate(name)[0] is None for name in SOURCES) and not any(raw_folder().rglob(SLICES)):
        raise RawFileError(
            f"there are no raw files in {raw_folder()} and no sample: put spotify-2023.csv, "
            f"dataset.csv or {SLICES} there, or run `hitparade sample` with HITPARADE_SAMPLE unset"
        )
    if path is None:
        return RawFile(source, status, None, None, None, None, _table(SOURCES[source], iter(())))
    return _read_file(source, status, path, path.stat().st_mtime_ns)


@lru_cache(maxsize=8)  # dbt loads a source again for each node that refers to it
def _read_file(source: str, status: Status, path: Path, _modified: int) -> RawFile:
    data = path.read_bytes()
    text, encoding = _decode(path, data)
    delimiter = _delimiter(SOURCES[source], path, text)
    records = _table(SOURCES[source], _records(path, text, delimiter))
    if records.num_rows == 0:
        raise RawFileError(f"{path} has a header but no rows: download it again, or remove it")
    sha256 = hashlib.sha256(data).hexdigest()
    return RawFile(source, status, path, encoding, delimiter, sha256, records)


def _decode(path: Path, data: bytes) -> tuple[str, str]:
    if not data.removeprefix(codecs.BOM_UTF8).strip():
        raise RawFileError(f"{path} is empty: download it again, or remove it")
    if b"\0" in data:
        raise RawFileError(f"{path} is not a text file: unpack it, or save it as UTF-8 CSV")
    for encoding in ENCODINGS[:1] if data.startswith(codecs.BOM_UTF8) else ENCODINGS:
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise RawFileError(f"{path} is marked as UTF-8, but is not UTF-8: save it as UTF-8 CSV")


def _delimiter(source: Source, path: Path, text: str) -> str:
    """Return the delimiter with which the header has most of the needed columns.

    Raises:
        RawFileError: a needed column is missing, or the header names a column twice.
    """
    headers = {d: _header(_rows(path, text, d)) for d in DELIMITERS}
    best = max(DELIMITERS, key=lambda d: len(set(source.needed) & set(headers[d])))
    missing = [name for name in source.needed if name not in headers[best]]
    if missing:
        raise RawFileError(
            f"{path} lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}: "
            f"its header is {', '.join(headers[best])[:SHOWN]}"
        )
    twice = [name for name in source.columns if headers[best].count(name) > 1]
    if twice:
        raise RawFileError(f"{path} has more than one column {', '.join(twice)}: keep only one")
    return best


def _header(rows: Iterator[tuple[int, list[str], str]]) -> list[str]:
    return [name.strip() for name in next(rows)[1]]


def _rows(
    path: Path, text: str, delimiter: str, strict: bool = False
) -> Iterator[tuple[int, list[str], str]]:
    """Yield each record's first line number, cells and text; blank lines are skipped.

    A record with misplaced quotes has no cells.
    """
    lines = list(io.StringIO(text, newline=""))
    reader = csv.reader(lines, delimiter=delimiter, strict=strict)
    while reader.line_num < len(lines):
        start = reader.line_num
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if any(sign in str(error) for sign in NEVER_CLOSED) and '"' in lines[start]:
                raise RawFileError(
                    f"{path}, line {start + 1}: a quote opens here that is never closed: "
                    "close it, or download the file again"
                ) from error
            cells = []
        record = "".join(lines[start : reader.line_num]).rstrip("\r\n")
        if record:
            yield start + 1, cells, record


def _records(path: Path, text: str, delimiter: str) -> Iterator[dict]:
    # Strict, so that a quote that is never closed is an error and does not contain later records.
    rows = _rows(path, text, delimiter, strict=True)
    next(rows)
    header = _header(_rows(path, text, delimiter))  # not strict, as in the search for the delimiter
    for line, cells, record in rows:
        if len(cells) == len(header):
            yield dict(zip(header, cells, strict=True)) | {"line_number": line, "unparsed": None}
        else:
            yield {"line_number": line, "unparsed": record}


def _table(source: Source, records: Iterator[dict]) -> pa.Table:
    schema = pa.schema(
        [pa.field(name, pa.string()) for name in source.columns]
        + [pa.field("line_number", pa.int64()), pa.field("unparsed", pa.string())]
    )
    columns: dict[str, list] = {name: [] for name in schema.names}
    for record in records:
        for name, values in columns.items():
            values.append(record.get(name))
    return pa.table(columns, schema=schema)


def files() -> pa.Table:
    """Return one row for each source: its file, how it was read, and its number of records."""
    rows = [read(source) for source in SOURCES]
    return pa.table(
        {
            "source": [row.source for row in rows],
            "status": [row.status for row in rows],
            "file": pa.array([row.path and row.path.name for row in rows], pa.string()),
            "encoding": pa.array([row.encoding for row in rows], pa.string()),
            "delimiter": pa.array([row.delimiter for row in rows], pa.string()),
            "rows": pa.array([row.records.num_rows for row in rows], pa.int64()),
            "sha256": pa.array([row.sha256 for row in rows], pa.string()),
        }
    )
