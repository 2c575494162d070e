"""The two tiers: quick tests read shared warehouses, slow ones build or take long.

A quick test that starts a build fails, whatever it calls: let it read a shared warehouse, or mark
it slow.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from xdist.scheduler import LoadFileScheduling

NAMES = ("dbt", "hitparade")
PROGRAMS = {*NAMES, "dbt.cli.main", *(str(Path(sys.executable).with_name(name)) for name in NAMES)}
BUILDS = ("build", "run", "seed", "snapshot", "publish")
# The groups that take longest.
LONGEST = [
    "snowflake",
    "tests/faults/test_disk.py",
    "tests/e2e/test_drift.py",
    "tests/e2e/test_build.py",
]
_quick: list[str] = []  # the quick test that runs now
_building: list[None] = []  # not empty while a warehouse is built that all share


class BuildInQuickTestError(AssertionError):
    """A quick test started a build of its own."""


class ByFile(LoadFileScheduling):
    """Keeps the tests of a file, and all of the emulated Snowflake account, with one worker."""

    def _split_scope(self, nodeid: str) -> str:
        return _group(nodeid)


def order(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no worker ends long before the other."""
    items.sort(key=_place)


def _group(nodeid: str) -> str:
    file = nodeid.partition("::")[0]
    return "snowflake" if file.startswith("tests/snowflake/") else file


def _place(item: pytest.Item) -> int:
    name = _group(item.nodeid)
    if name in LONGEST:
        return LONGEST.index(name)
    return len(LONGEST) + (item.get_closest_marker("slow") is None)


def leave_out_slow(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the quick tests alone."""
    slow = [item for item in items if item.get_closest_marker("slow")]
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if item not in slow]


@contextmanager
def running(item: pytest.Item) -> Iterator[None]:
    """Watch a test while it runs, unless it is slow."""
    _quick[:] = [] if item.get_closest_marker("slow") else [item.nodeid]
    try:
        yield
    finally:
        _quick.clear()


@contextmanager
def building_for_all() -> Iterator[None]:
    """Allow the build of a shared warehouse."""
    _building.append(None)
    try:
        yield
    finally:
        _building.pop()


def refuse_build(words: Sequence[object]) -> None:
    """Fail the quick test that runs now if a command builds.

    Raises:
        BuildInQuickTestError: it does.
    """
    texts = [os.fsdecode(word) for word in words]
    is_ours = bool({*texts} & PROGRAMS)
    if _quick and not _building and is_ours and {*texts} & {*BUILDS}:
        raise BuildInQuickTestError(
            f"{_quick[0]} runs `{' '.join(texts)}`: let it read a shared warehouse, or mark it slow"
        )


def _watch(event: str, arguments: tuple) -> None:
    if event == "subprocess.Popen" and not isinstance(arguments[1], str | bytes):
        refuse_build(arguments[1])


sys.addaudithook(_watch)
