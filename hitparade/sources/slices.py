"""List the slices of the Million Playlist Dataset; SQL reads their contents."""

from pathlib import Path

import pyarrow as pa

from hitparade.sources.raw import SLICES, Status, raw_folder, sample_folder

SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("slice", "path", "status", "fingerprint")]
    + [("bytes", pa.int64())]
)

# A playlist, or a slice that cannot be used, as `hitparade load` writes it for Snowflake.
PLAYLISTS = pa.schema(
    [(name, pa.string()) for name in ("slice", "fingerprint", "slice_rule", "slice_reason")]
    + [("content", pa.string()), ("place", pa.int64())]
)


def listed() -> pa.Table:
    """Return one row for each slice in the user's folder or below it, else in the sample's folder.

    A row has the slice's path relative to that folder, its full path, and a fingerprint that
    changes with the file.
    """
    folders: list[tuple[Path | None, Status]] = [
        (raw_folder(), "real"),
        (sample_folder(), "sample"),
    ]
    for folder, status in folders:
        if folder and (found := sorted(folder.rglob(SLICES))):
            rows = [_row(folder, path, status) for path in found]
            return pa.Table.from_pylist(rows, SCHEMA)
    return SCHEMA.empty_table()


def _row(folder: Path, path: Path, status: Status) -> dict:
    file = path.stat()
    return {
        "slice": path.relative_to(folder).as_posix(),
        "path": str(path.resolve()),
        "status": status,
        "fingerprint": f"{file.st_size}-{file.st_mtime_ns}",
        "bytes": file.st_size,
    }
