"""Samples and warehouses that all workers and later runs share, made once per state of the sources.

They are in target/tests, in a folder named by a hash of their sources. Tests must not write to
them: a test that changes a warehouse copies it first.
"""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock

from tests import tiers
from tests.warehouse import ROOT, Warehouse

CACHE = ROOT / "target" / "tests"
SOURCES = [
    *("constraints.txt", "dbt_project.yml", "profiles.yml", "dbt_project", "data/seeds", "tasks"),
    *("hitparade", "models_py", "udfs", "sql", "tests/dbt", "tests/conftest.py"),
]
# No build uses them.
OTHERS = {"__pycache__", "serve"}
KEY = "HITPARADE_TESTS_KEY"  # workers inherit it from the process that started them
_uses: list[int] = []


def files() -> Iterator[Path]:
    """The source files: a change in any of them invalidates the shared folder."""
    for source in map(ROOT.joinpath, SOURCES):
        found = sorted(source.rglob("*")) if source.is_dir() else [source]
        yield from (
            file for file in found if file.is_file() and not OTHERS.intersection(file.parts)
        )


def hash_of_sources() -> str:
    """Return one hash of the names and bytes of all sources."""
    digest = hashlib.sha256()
    for file in files():
        digest.update(f"{file.relative_to(ROOT)}\n".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def begin() -> None:
    """Choose the folder of this run and its workers, and delete unused folders of other states."""
    os.environ.setdefault(KEY, hash_of_sources())
    folder().mkdir(parents=True, exist_ok=True)
    _uses.append(_locked(folder(), fcntl.LOCK_SH))
    for other in CACHE.iterdir():
        if other.is_dir() and other != folder() and not is_in_use(other):
            shutil.rmtree(other, ignore_errors=True)


def folder() -> Path:
    """The folder for the present state of the sources."""
    return CACHE / os.environ[KEY]


def is_in_use(other: Path) -> bool:
    """Return whether another run is using the folder of another state."""
    try:
        os.close(_locked(other, fcntl.LOCK_EX | fcntl.LOCK_NB))
    except OSError:
        return True
    return False


def _locked(path: Path, how: int) -> int:
    opened = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(opened, how)
    except OSError:
        os.close(opened)
        raise
    return opened


def once(name: str, make: Callable[[Path], object]) -> Path:
    """Return a folder that is made once: the first caller makes it, and the others wait."""
    made = folder() / name
    with FileLock(folder() / f"{name}.lock"):
        if not _note(name).exists():
            shutil.rmtree(made, ignore_errors=True)
            made.mkdir()
            with tiers.building_for_all():
                make(made)
            _note(name).write_text(_state(made))
    return made


def built(name: str, sample: Path) -> Warehouse:
    """Return a finished warehouse of a sample, built once."""
    return Warehouse(
        once(name, lambda made: Warehouse(made).dbt("build", HITPARADE_SAMPLE=str(sample)))
    )


def is_untouched(name: str) -> bool:
    """Return whether a folder is unchanged; if not, the next run makes it again."""
    note = _note(name)
    if note.exists() and note.read_text() == _state(folder() / name):
        return True
    note.unlink(missing_ok=True)
    return False


def _note(name: str) -> Path:
    """The file that marks a folder as finished and lists its contents."""
    return folder() / f"{name}.made"


def _state(made: Path) -> str:
    """Names, sizes and modification times of the files in a folder: a write changes them."""
    found = ((file, file.stat()) for file in sorted(made.rglob("*")) if file.is_file())
    return "".join(
        f"{file.relative_to(made)} {status.st_size} {status.st_mtime_ns}\n"
        for file, status in found
    )
