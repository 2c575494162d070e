"""The files of playlists: which there are, and what SQL cannot read of them.

A file is a slice of the Million Playlist Dataset, or has a playlist in each line as JSON. Both are
called slices here.
"""

import hashlib
import json
import os
import re
import threading
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from hitparade import project
from hitparade.sources import contents
from hitparade.sources.folders import RawFileError, Status, raw_folder, sample_folder

NAME = re.compile(r"mpd\.slice\..+\.json(\.gz)?", re.IGNORECASE)
# As in the macro is_json_lines. A program may write to a hidden file before it renames it.
LINES_NAME = re.compile(r"[^.].*\.(jsonl|ndjson)(\.gz)?", re.IGNORECASE)
# A new number when slices are read in another way: a build then reads those that it knows again.
READER = 2
SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("slice", "path", "status", "fingerprint")]
    + [("bytes", pa.int64())]
)

CHUNK = 2**20
_lock = threading.Lock()

# A playlist, or a slice that cannot be used, as `hitparade load` writes it for Snowflake.
PLAYLISTS = pa.schema(
    [(name, pa.string()) for name in ("slice", "fingerprint", "slice_rule", "slice_reason")]
    + [("content", pa.string()), ("place", pa.int64())]
)


@dataclass(frozen=True)
class Slice:
    """A slice in a folder: its file, and where it is in that file if the file is a zip file."""

    folder: Path
    file: Path
    entry: zipfile.ZipInfo | None = None

    @property
    def name(self) -> str:
        """The path from the folder of the raw files."""
        path = self.file.relative_to(self.folder).as_posix()
        return f"{path}/{self.member}" if self.member else path

    @property
    def member(self) -> str | None:
        """The name of the slice in its zip file."""
        return self.entry.filename if self.entry else None

    @property
    def unpacked_name(self) -> str:
        """What names the slice when it is not compressed.

        A slice of the dataset is the same in any folder. Other programs write one name in many
        folders, such as one for each day.
        """
        name = self.name if has_lines(self.name) else Path(self.name).name
        return name.casefold().removesuffix(".gz")

    @property
    def is_packed(self) -> bool:
        """Whether a program has to unpack it."""
        return self.member is not None or self.file.suffix.casefold() == ".gz"

    def row(self, status: Status) -> dict[str, Any]:
        """Return the row of the slice in the list of slices."""
        if self.entry is None:
            stat = self.file.stat()
            size, path = stat.st_size, self.file.resolve()
            fingerprint = f"{size}-{stat.st_mtime_ns}-{READER}"
        else:
            size = self.entry.file_size
            fingerprint = f"{size}-{self.entry.CRC:08x}-{READER}"
            kind = "jsonl" if has_lines(self.name) else "json"
            path = _cache(self.folder) / f"{_hash(f'{self.name} {fingerprint}')}.{kind}"
        row = {"slice": self.name, "path": str(path), "status": status}
        return row | {"fingerprint": fingerprint, "bytes": size}


def is_known(name: str) -> bool:
    """Return whether a file of this name is read as a slice."""
    return bool(NAME.fullmatch(name)) or has_lines(name)


def has_lines(path: str) -> bool:
    """Return whether a file has a playlist in each line."""
    return bool(LINES_NAME.fullmatch(path.rpartition("/")[2]))


def _cache(folder: Path) -> Path:
    """Return where the slices in zip files of a folder are unpacked."""
    return project.root() / "target" / "unpacked" / _hash(str(folder.resolve()))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def listed() -> pa.Table:
    """Return one row for each slice in the user's folder or below it, else in the sample's folder.

    A row has the slice's path relative to that folder, the full path of the file to read, and a
    fingerprint that changes with the slice. Slices in zip files are to be unpacked first.
    """
    return pa.Table.from_pylist([row for _, row in _listed()], SCHEMA)


def unpacked() -> pa.Table:
    """Unpack the slices in zip files that are new or changed, and return the list of slices.

    Raises:
        OSError: a file cannot be written.
    """
    rows = _listed()
    for one, row in rows:
        if one.member is not None and not Path(row["path"]).exists():
            _unpack(one.file, one.member, Path(row["path"]))
    needed = {Path(row["path"]).name for _, row in rows}
    for folder in (raw_folder(), sample_folder()):
        for old in _cache(folder).glob("*.json*") if folder else ():
            if old.name not in needed:
                old.unlink(missing_ok=True)
    return pa.Table.from_pylist([row for _, row in rows], SCHEMA)


def _unpack(archive: Path, member: str, file: Path) -> None:
    """Unpack a slice. A damaged one becomes a file that is not JSON, and goes to quarantine.

    A wrong checksum shows only at its end: what was read until then may look whole.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(f".{os.getpid()}.part")
    with open(part, "wb") as target:
        for content in _contents(archive, member):
            target.write(content)
    os.replace(part, file)


def _contents(archive: Path, member: str) -> Iterator[bytes]:
    """Yield the bytes of a slice; at a damage, a sentence that makes it no JSON."""
    try:
        with zipfile.ZipFile(archive) as opened, opened.open(member) as source:
            while content := source.read(CHUNK):
                yield content
    except contents.DAMAGED as error:
        yield f"{member} cannot be unpacked: {error}".encode()


def _listed() -> list[tuple[Slice, dict[str, Any]]]:
    folders: list[tuple[Path | None, Status]] = [
        (raw_folder(), "real"),
        (sample_folder(), "sample"),
    ]
    for folder, status in folders:
        if folder and (found := list(_rows(used(folder), status))):
            return found
    return []


def _rows(found: list[Slice], status: Status) -> Iterator[tuple[Slice, dict[str, Any]]]:
    for one in found:
        with suppress(FileNotFoundError):  # another program removed or renamed it just now
            yield one, one.row(status)


def used(folder: Path) -> list[Slice]:
    """Return the slices that are read: a compressed one only if it is not there uncompressed."""
    chosen: list[Slice] = []
    names: set[str] = set()
    for one in sorted(present(folder), key=lambda one: (one.is_packed, one.member is not None)):
        if not one.is_packed or one.unpacked_name not in names:
            chosen.append(one)
            names.add(one.unpacked_name)
    return sorted(chosen, key=lambda one: one.name)


def present(folder: Path) -> list[Slice]:
    """Return all slices in a folder and below it, but not in hidden folders.

    Raises:
        OSError: a folder cannot be read. Its files must not count as removed.
    """
    found = []
    for path in sorted(_files(folder)):
        if contents.has_lone(str(path)) or not path.is_file():  # or a name that is not UTF-8
            continue
        if is_known(path.name):
            found.append(Slice(folder, path))
        elif path.suffix.casefold() == ".zip":
            found += [
                Slice(folder, path, entry)
                for entry in contents.entries(path)
                if is_known(Path(entry.filename).name) and not contents.has_lone(entry.filename)
            ]
    return found


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder, onerror=_fail):
        # A program may put a file together in a hidden folder before it moves it.
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(parent, name) for name in names)


def _fail(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):  # another program removed it just now
        raise error


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """Give SQL the function `unpacked_slice(path)` for slices that it cannot read."""
    with _lock:
        try:  # binds the function, and does not call it; listing all functions is slow
            query = "describe select unpacked_slice(cast(null as varchar))"
            connection.execute(query).fetchall()
        except duckdb.CatalogException:
            connection.create_function("unpacked_slice", _unpacked_text, ["varchar"], "varchar")


def _unpacked_text(path: str) -> str:
    return json.dumps(judged(Path(path)), ensure_ascii=False)


def judged(file: Path) -> dict[str, Any]:
    """Return the playlists of a slice and their places, or the `rule` that it breaks and `reason`.

    It may be compressed with gzip, and in another encoding than UTF-8. In a playlist with text that
    is not Unicode, U+FFFD stands for what is not, and `not_unicode` is true. A line that is not
    JSON is a playlist with only that line, as `not_json`.
    """
    judge = _judged_lines if has_lines(file.name) else _judged_slice
    try:
        return judge(_text(file))
    except (RawFileError, ValueError, RecursionError):
        return _broken("not_json", "the file is cut off, or not JSON: download it again")


def _judged_slice(text: str) -> dict[str, Any]:
    if not text.strip():
        return _broken("empty", "the file is empty: download it again")
    parsed = _parsed(text)
    found = parsed.get("playlists") if isinstance(parsed, dict) else None
    if not isinstance(found, list) or not found:
        return _broken("no_playlists", "the file has no list of playlists")
    return _playlists(dict(enumerate(found)))


def _judged_lines(text: str) -> dict[str, Any]:
    """Return the playlists of lines and the index of each line, without blank lines."""
    *lines, last = text.split("\n")
    found = {place: _of_line(line) for place, line in enumerate(lines) if line.strip()}
    if (playlist := _whole(last)) is not None:
        found[len(lines)] = playlist
    return _playlists(found)


def has_unfinished_line(file: Path) -> bool:
    """Return whether the last line of a file is not read, because it is not complete."""
    try:
        last = _text(file).rpartition("\n")[2]
    except (RawFileError, ValueError):
        return False
    return bool(last.strip()) and _whole(last) is None


def _of_line(line: str) -> Any:
    try:
        return _parsed(line)
    except (ValueError, RecursionError):
        return {"not_json": contents.shown(line.strip())}


def _whole(line: str) -> dict | None:
    """Return the playlist of a line without a line feed, or None if it may still be written.

    A JSON object is complete, because no beginning of an object is one.
    """
    try:
        found = _parsed(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _text(file: Path) -> str:
    data = contents.unpacked(file)
    text = data.decode(json.detect_encoding(data), "surrogateescape")
    return contents.encoded_once(text, "")[0]


def _parsed(text: str) -> Any:
    parsed = json.loads(text)
    json.dumps(parsed, allow_nan=False)
    return parsed


def _broken(rule: str, reason: str) -> dict[str, Any]:
    return {"rule": rule, "reason": reason, "playlists": None, "places": None}


def _playlists(found: dict[int, Any]) -> dict[str, Any]:
    playlists = [_as_unicode(one) for one in found.values()]
    return {"rule": None, "reason": None, "playlists": playlists, "places": list(found)}


def _as_unicode(playlist: Any) -> Any:
    text = json.dumps(playlist, ensure_ascii=False)
    if not contents.has_lone(text):
        return playlist
    mended = json.loads(contents.shown(text))
    return mended | {"not_unicode": True} if isinstance(mended, dict) else mended
