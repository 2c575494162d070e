"""The slices of the Million Playlist Dataset: which there are, and what SQL cannot read of them."""

import hashlib
import json
import os
import re
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from hitparade import project
from hitparade.sources import contents
from hitparade.sources.folders import RawFileError, Status, raw_folder, sample_folder

NAME = re.compile(r"mpd\.slice\..+\.json(\.gz)?", re.IGNORECASE)
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
    def name_in_dataset(self) -> str:
        """The name of the slice when it is not compressed."""
        return Path(self.name).name.casefold().removesuffix(".gz")

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
            path = _cache(self.folder) / f"{_hash(f'{self.name} {fingerprint}')}.json"
        row = {"slice": self.name, "path": str(path), "status": status}
        return row | {"fingerprint": fingerprint, "bytes": size}


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
    rows = [one.row(status) for one, status in _listed()]
    return pa.Table.from_pylist(rows, SCHEMA)


def unpacked() -> pa.Table:
    """Unpack the slices in zip files that are new or changed, and return the list of slices.

    Raises:
        OSError: a file cannot be written.
    """
    rows = [(one, one.row(status)) for one, status in _listed()]
    for one, row in rows:
        if one.member is not None and not Path(row["path"]).exists():
            _unpack(one.file, one.member, Path(row["path"]))
    needed = {Path(row["path"]).name for _, row in rows}
    for folder in (raw_folder(), sample_folder()):
        for old in _cache(folder).glob("*.json") if folder else ():
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


def _listed() -> list[tuple[Slice, Status]]:
    folders: list[tuple[Path | None, Status]] = [
        (raw_folder(), "real"),
        (sample_folder(), "sample"),
    ]
    for folder, status in folders:
        if folder and (found := used(folder)):
            return [(one, status) for one in found]
    return []


def used(folder: Path) -> list[Slice]:
    """Return the slices that are read: a compressed one only if it is not there uncompressed."""
    chosen: list[Slice] = []
    names: set[str] = set()
    for one in sorted(present(folder), key=lambda one: (one.is_packed, one.member is not None)):
        if not one.is_packed or one.name_in_dataset not in names:
            chosen.append(one)
            names.add(one.name_in_dataset)
    return sorted(chosen, key=lambda one: one.name)


def present(folder: Path) -> list[Slice]:
    """Return all slices in a folder and below it."""
    found = []
    for path in sorted(folder.rglob("*")):
        if contents.has_lone(str(path)) or not path.is_file():  # or a name that is not UTF-8
            continue
        if NAME.fullmatch(path.name):
            found.append(Slice(folder, path))
        elif path.suffix.casefold() == ".zip":
            found += [
                Slice(folder, path, entry)
                for entry in contents.entries(path)
                if NAME.fullmatch(Path(entry.filename).name)
                and not contents.has_lone(entry.filename)
            ]
    return found


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
    """Return the playlists of a slice, or the `rule` that it breaks and the `reason`.

    It may be compressed with gzip, and in another encoding than UTF-8. In a playlist with text that
    is not Unicode, U+FFFD stands for what is not, and `not_unicode` is true.
    """
    try:
        data = contents.unpacked(file)
        text = data.decode(json.detect_encoding(data), "surrogateescape")
        text, _ = contents.encoded_once(text, "")
        parsed = json.loads(text) if text.strip() else None
        json.dumps(parsed, allow_nan=False)
    except (RawFileError, ValueError, RecursionError):
        return _broken("not_json", "the file is cut off, or not JSON: download it again")
    if not text.strip():
        return _broken("empty", "the file is empty: download it again")
    found = parsed.get("playlists") if isinstance(parsed, dict) else None
    if not isinstance(found, list) or not found:
        return _broken("no_playlists", "the file has no list of playlists")
    return {"rule": None, "reason": None, "playlists": [_as_unicode(one) for one in found]}


def _broken(rule: str, reason: str) -> dict[str, Any]:
    return {"rule": rule, "reason": reason, "playlists": None}


def _as_unicode(playlist: Any) -> Any:
    text = json.dumps(playlist, ensure_ascii=False)
    if not contents.has_lone(text):
        return playlist
    mended = json.loads(contents.shown(text))
    return mended | {"not_unicode": True} if isinstance(mended, dict) else mended
