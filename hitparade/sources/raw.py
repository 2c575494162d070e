"""Find the raw file of each source, and read its records as text.

A file is read as its publisher ships it, and as programs change it on the way. The staging models
cast its values, and send records that they cannot use to quarantine.
"""

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from hitparade.sources import contents, records, slices
from hitparade.sources.columns import SOURCES, Source
from hitparade.sources.folders import RawFileError, Status, raw_folder, sample_folder
from models_py.generated.tasks import INPUTS_OF, TABULAR

__all__ = ["SOURCES", "RawFile", "RawFileError", "Status", "files", "locate", "read"]

# Largest length of a header in a message: a file that is not CSV may have a line of any length.
SHOWN = 500


@dataclass(frozen=True)
class RawFile:
    """The contents of one source: `records` has a text column for each column of the file.

    `notes` are sentences on what was read otherwise than it stands in the file, or is missing.
    """

    source: str
    status: Status
    path: Path | None
    encoding: str | None
    delimiter: str | None
    sha256: str | None
    records: pa.Table
    notes: tuple[str, ...] = ()


def locate(source: str) -> tuple[Path | None, Status]:
    """Return the file of a source and its status: the user's, the sample's, or absent."""
    file, folder = SOURCES[source].file, sample_folder()
    if source != "ceilings" and (found := candidates(source)):
        return found[0], "real"
    if folder and (folder / file).is_file():
        return folder / file, "sample"
    return None, "absent"


def candidates(source: str) -> list[Path]:
    """Return the user's files that may serve a source; the first one does.

    They have its name in any case, compressed or not, or are a zip file with only such a file.
    """
    file = SOURCES[source].file
    stem = file.removesuffix(".csv")
    names = [file, f"{file}.gz", f"{file}.zip", f"{stem}.zip", f"{stem}.parquet"]
    folder = raw_folder()
    present = sorted(folder.iterdir()) if folder.is_dir() else []
    present = [path for path in present if path.is_file()]
    found = [path for name in names for path in present if path.name == name]
    found += [path for name in names for path in present if path.name.casefold() == name]
    found += [
        path
        for path in present
        if path.suffix.casefold() == ".zip"
        and [name.rpartition("/")[2].casefold() for name in contents.members(path)] == [file]
    ]
    return list(dict.fromkeys(found))


def read(source: str) -> RawFile:
    """Read one source: its text columns, then `line_number`, `unparsed` and `flaw`.

    If a record cannot be read, its cells are NULL, `unparsed` has the whole record and `flaw` the
    reason. A blank cell is an empty text; a column that the file lacks is NULL. An absent source
    has no records.

    Raises:
        RawFileError: the file is empty, lacks a needed column, or is not text.
    """
    path, status = locate(source)
    if path is None and not _is_anything_there():
        raise RawFileError(
            f"there are no raw files in {raw_folder()} and no sample: put spotify-2023.csv, "
            "dataset.csv or mpd.slice.*.json there, or run `hitparade sample` with "
            "HITPARADE_SAMPLE unset"
        )
    if path is None:
        return RawFile(source, status, None, None, None, None, _table(SOURCES[source], {}))
    return _read_file(source, status, path, path.stat().st_mtime_ns)


def _is_anything_there() -> bool:
    return any(locate(name)[0] for name in SOURCES) or slices.listed().num_rows > 0


@lru_cache(maxsize=8)  # dbt loads a source again for each node that refers to it
def _read_file(source: str, status: Status, path: Path, _modified: int) -> RawFile:
    described = SOURCES[source]
    data = contents.unpacked(path)
    encoding = delimiter = None
    if data.startswith(contents.PARQUET):
        header, columns = _from_parquet(described, path, data)
    else:
        text, encoding = contents.decoded(path, data)
        found = records.header(described, text)
        header, delimiter = found.cells, found.delimiter
        columns = _from_records(_checked(described, path, header), found.records())
    if not columns["line_number"]:
        raise RawFileError(f"{path} has a header but no rows: download it again, or remove it")
    for name in described.columns:
        columns.setdefault(name, [None] * len(columns["line_number"]))
    notes = list(_notes(described, header))
    if records.has_decimal_comma(described, columns):
        records.exchange_signs(described, columns)
        notes.append("its numbers have a decimal comma")
    for name, count in records.rounded(described, columns).items():
        notes.append(f"{count:,} numbers of {name} have an exponent, and were rounded before")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    table = _table(described, columns)
    return RawFile(source, status, path, encoding, delimiter, sha256, table, tuple(notes))


def _checked(source: Source, path: Path, header: list[str]) -> dict[str, int]:
    """Return the place of each column.

    Raises:
        RawFileError: a needed column is missing, or the header names a column twice.
    """
    places = source.places(header)
    if missing := [name for name in source.needed if name not in places]:
        raise RawFileError(
            f"{path} lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}: "
            f"its header is {', '.join(contents.shown(name) for name in header)[:SHOWN]}"
        )
    if twice := source.repeated(header):
        raise RawFileError(f"{path} has more than one column {', '.join(twice)}: keep only one")
    return places


def _from_records(places: dict[str, int], found: Iterator[records.Record]) -> dict[str, list]:
    columns: dict[str, list] = {name: [] for name in (*places, "line_number", "unparsed", "flaw")}
    for record in found:
        columns["line_number"].append(record.line)
        columns["unparsed"].append(record.text if record.flaw else None)
        columns["flaw"].append(record.flaw)
        for name, place in places.items():
            columns[name].append(None if record.flaw else record.cells[place])
    return columns


def _from_parquet(source: Source, path: Path, data: bytes) -> tuple[list[str], dict[str, list]]:
    """Return header and columns of a Parquet file, whose rows are numbered from 1."""
    try:
        table = pa.parquet.read_table(io.BytesIO(data))
    except (pa.ArrowException, OSError) as error:
        raise RawFileError(
            f"{path} is a damaged Parquet file: {str(error)[:SHOWN]}. Download it again"
        ) from error
    places = _checked(source, path, table.column_names)
    columns: dict[str, list] = {
        name: _texts(path, name, table.column(place)) for name, place in places.items()
    }
    columns["line_number"] = list(range(1, table.num_rows + 1))
    columns |= {name: [None] * table.num_rows for name in ("unparsed", "flaw")}
    return table.column_names, columns


def _texts(path: Path, name: str, column: pa.ChunkedArray) -> list[str]:
    """Return the values of a column as a CSV file would have them."""
    try:
        if pa.types.is_list(column.type):
            column = pc.binary_join(column.cast(pa.list_(pa.string())), ";")
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        return pc.fill_null(column.cast(pa.string()), "").to_pylist()
    except pa.ArrowException as error:
        raise RawFileError(
            f"{path} has a column {name} of type {column.type}: write it as text or numbers"
        ) from error


def _notes(source: Source, header: list[str]) -> Iterator[str]:
    places = source.places(header)
    for name, place in places.items():
        if header[place].strip() != name:
            yield f"{contents.shown(header[place])} is read as {name}"
    lacking: dict[str, list[str]] = {}
    for name in source.optional:
        if name not in places:
            tasks = ", ".join(_tasks_with(source, source.optional[name]))
            lacking.setdefault(tasks, []).append(name)
    for tasks, names in lacking.items():
        without = f"it has no {', '.join(names)}"
        yield f"{without}, so there is nothing to train for {tasks}" if tasks else without


def _tasks_with(source: Source, value: str) -> Iterator[str]:
    """Yield the tasks with an input that is made from an optional column."""
    entity = "dim_songs" if source is SOURCES["chart_songs"] else "dim_tracks"
    for task, declared in TABULAR.items():
        if declared["entity"] == entity and value in declared["inputs"]:
            yield task
            yield from (other for other, same in INPUTS_OF.items() if same == task)


def _table(source: Source, columns: dict[str, list]) -> pa.Table:
    schema = pa.schema(
        [pa.field(name, pa.string()) for name in source.columns]
        + [pa.field("line_number", pa.int64())]
        + [pa.field(name, pa.string()) for name in ("unparsed", "flaw")]
    )
    return pa.table({name: columns.get(name, []) for name in schema.names}, schema=schema)


def files() -> pa.Table:
    """Return one row for each source: its file, how it was read, and its number of records."""
    rows = [read(source) for source in SOURCES]
    texts = {
        "source": [row.source for row in rows],
        "status": [row.status for row in rows],
        "file": [row.path and row.path.name for row in rows],
        "encoding": [row.encoding for row in rows],
        "delimiter": [row.delimiter for row in rows],
    }
    columns = {name: pa.array(values, pa.string()) for name, values in texts.items()}
    columns["rows"] = pa.array([row.records.num_rows for row in rows], pa.int64())
    columns["sha256"] = pa.array([row.sha256 for row in rows], pa.string())
    columns["notes"] = pa.array(["; ".join(row.notes) or None for row in rows], pa.string())
    return pa.table(columns)
