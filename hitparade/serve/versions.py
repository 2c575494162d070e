"""A text that tells a published file from the previous one."""

import datetime
from pathlib import Path

from udfs.runtime.reader import State, file_state


def version(state: State) -> str:
    """Return when the file was written, and its inode: two files may have the same time."""
    _, inode, changed = state
    seconds, nanoseconds = divmod(changed, 1_000_000_000)
    time = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return f"{time:%Y-%m-%dT%H:%M:%S}.{nanoseconds:09d}Z/{inode}"


def version_of(path: Path) -> str:
    """Return the version of the file that is published now.

    Raises:
        OSError: the file does not exist.
    """
    return version(file_state(path))
