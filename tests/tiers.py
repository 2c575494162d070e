"""The two tiers: quick tests read shared warehouses, slow ones build or take long.

A quick test that starts a build fails, whatever it calls: let it read a shared warehouse, or mark
it slow.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

PROGRAMS = ("dbt", "dbt.cli.main", "hitparade")
BUILDS = ("build", "run", "seed", "snapshot", "publish")
_quick: list[str] = []  # the quick test that runs now
_building: list[None] = []  # not empty while a warehouse is built that all share


class BuildInQuickTestError(AssertionError):
    """A quick test started a build of its own."""


def group(items: Sequence[pytest.Item]) -> None:
    """Keep the tests of a file with one worker, and all of the emulated Snowflake account."""
    for item in items:
        is_emulated = "emulator" in item.fixturenames
        item.add_marker(pytest.mark.xdist_group("snowflake" if is_emulated else item.path.stem))


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
    names = [os.path.basename(os.fsdecode(word)) for word in words]
    program = next((place for place, name in enumerate(names) if name in PROGRAMS), len(names))
    if _quick and not _building and {*names[program:]} & {*BUILDS}:
        raise BuildInQuickTestError(
            f"{_quick[0]} runs `{' '.join(names)}`: let it read a shared warehouse, or mark it slow"
        )


def _watch(event: str, arguments: tuple) -> None:
    if event == "subprocess.Popen" and not isinstance(arguments[1], str | bytes):
        refuse_build(arguments[1])


sys.addaudithook(_watch)
