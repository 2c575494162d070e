"""Tables of the commands in terminals of several widths."""

import pytest
from rich.console import Console

from hitparade.cli.terminal import show_rows

LONG = "better than always answering the most frequent label by 5.6 points of 100"
CHAMPION = {
    "task": "log_streams_context",
    "champion": "logistic_regression",
    "metric": "judged_gain",
    "value": "17.1314 ± 0.1152",
    "baseline": "22.0270",
    "verdict": LONG,
}


def printed(width: int) -> list[str]:
    """The lines that a terminal shows for a table of one champion."""
    console = Console(record=True, width=width)
    show_rows("Champions", [CHAMPION], console, apart="verdict")
    assert console.width == width
    return [line.rstrip() for line in console.export_text().splitlines()]


@pytest.mark.parametrize("width", [80, 100, 120])
def test_a_long_verdict_has_its_own_table_in_a_narrow_terminal(width):
    lines = printed(width)
    assert max(map(len, lines)) <= 100
    assert f"  log_streams_context   {LONG}" in lines
    assert [line for line in lines if line and line[0] != " "] == ["Champions", "Verdicts"]


def test_it_is_in_its_row_in_a_wide_terminal():
    lines = printed(200)
    assert sum(LONG in line and "22.0270" in line for line in lines) == 1
    assert "Verdicts" not in lines
