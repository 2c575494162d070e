"""The two tiers: quick tests read shared warehouses, slow ones build or take long.

A quick test that starts a build fails: it must read a shared warehouse, or be marked slow.
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
BUILDS = ("build", "run", "seed", "snapshot", "publish", "follow")
# The groups that take longest, in this order.
LONGEST = [
    "snowflake",
    "tests/faults/test_disk.py",
    "tests/e2e/test_drift.py",
    "tests/e2e/test_build.py",
]
_quick: list[str] = []  # the quick test that is running
_building: list[None] = []  # not empty while a shared warehouse is built


class BuildInQuickTestError(AssertionError):
    """A quick test started a build of its own."""


class ByFile(LoadFileScheduling):
    """Keeps the tests of a file, and all of the emulated Snowflake account, with one worker."""

    def _split_scope(self, nodeid: str) -> str:
        return _group(nodeid)


def order(items: list[pytest.Item]) -> None:
    """Run the longest groups first, so that the workers finish at about the same time."""
    items.sort(key=_place)


def _group(nodeid: str) -> str:
    file = nodeid.partition("::")[0]
    return "snowflake" if file.startswith("tests/snowflake/") else file


def _place(item: pytest.Item) -> int:
    name = _group(item.nodeid)
    if name in LONGEST:
        return LONGEST.index(name)
    return len(LONGEST) + (item.get_closest_marker("slow") is None)


def keep(tier: str, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep only the tests of one tier, quick or slow."""
    others = [item for item in items if bool(item.get_closest_marker("slow")) != (tier == "slow")]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if item not in others]


@contextmanager
def running(item: pytest.Item) -> Iterator[None]:
    """Refuse builds while a test runs, unless it is slow."""
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
    """Fail the running quick test if a command starts a build.

    Raises:
        BuildInQuickTestError: the command starts a build.
    """
    texts = [os.fsdecode(word) for word in words]
    is_ours = bool({*texts} & PROGRAMS)
    if _quick and not _building and is_ours and {*texts} & {*BUILDS}:
        raise BuildInQuickTestError(
            f"{_quick[0]} runs `{' '.join(texts)}`: read a shared warehouse in it, or mark it slow"
        )


def _watch(event: str, arguments: tuple) -> None:
    if event == "subprocess.Popen" and not isinstance(arguments[1], str | bytes):
        refuse_build(arguments[1])


sys.addaudithook(_watch)
