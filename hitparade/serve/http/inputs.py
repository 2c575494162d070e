"""Check rows of inputs: no name is ignored, and no value becomes NULL unseen."""

import difflib
from typing import Any

from hitparade.serve.http.functions import Argument, Function
from hitparade.serve.http.kinds import described
from hitparade.serve.http.problems import Problem

MOST = 20  # problems that one answer names
Columns = dict[str, list[Any]]


class _Found:
    """The problems found so far: the search ends when one answer has enough of them."""

    def __init__(self, is_one: bool):
        self._is_one = is_one
        self.problems: list[dict[str, Any]] = []

    def add(self, row: int, name: str | None, problem: str, expected: str) -> None:
        place = {} if self._is_one else {"row": row}
        self.problems.append({**place, "input": name, "problem": problem, "expected": expected})
        if len(self.problems) == MOST:
            self.check()

    def check(self) -> None:
        """Refuse the request if something was found.

        Raises:
            Problem: the request has wrong inputs.
        """
        if self.problems:
            raise Problem(422, self._detail(), errors=self.problems)

    def _detail(self) -> str:
        first = self.problems[0]
        where = f"row {first['row']}: " if "row" in first else ""
        name = f"{first['input']} " if first["input"] is not None else ""
        others = len(self.problems) - 1
        least = "at least " if others + 1 == MOST else ""
        more = f" ({least}{others} more)" if others else ""
        return f"{where}{name}{first['problem']}; expected {first['expected']}{more}"


def columns(function: Function, rows: list[Any], is_one: bool) -> Columns:
    """Return the values of each given input, one for each row.

    Args:
        function: that is called.
        rows: objects as the client sent them. Places of rows are counted from 0, as in JSON.
        is_one: the client sent one object, so messages name no row.

    Raises:
        Problem: a row is no object, has an unknown or a missing input, or a wrong value.
    """
    found = _Found(is_one)
    _check_names(function, rows, found)
    found.check()
    given = [each for each in function.arguments.values() if rows and each.name in rows[0]]
    table = {each.name: [row[each.name] for row in rows] for each in given}
    for argument in given:
        for row, problem in argument.kind.problems(table[argument.name]):
            found.add(row, argument.name, problem, argument.expected)
    found.check()
    return table


def _check_names(function: Function, rows: list[Any], found: _Found) -> None:
    known = function.arguments.keys()
    required = {each.name for each in function.arguments.values() if each.is_required}
    first = rows[0].keys() if rows and isinstance(rows[0], dict) else set()
    for place, row in enumerate(rows):
        if not isinstance(row, dict):
            found.add(place, None, f"the row is {described(row)}", "an object of inputs")
            continue
        names = row.keys()
        if names <= known and names >= required and names == first:
            continue
        for name in (each for each in names if each not in known):
            found.add(place, name[:80], _unknown(name, function), "one of " + ", ".join(known))
        for name in sorted(required - names):
            found.add(place, name, "is missing", _or_null(function.arguments[name]))
        for name in sorted(((names ^ first) & known) - required):
            found.add(place, name, "is given in some rows only", "it in all rows, or in none")


def _unknown(name: str, function: Function) -> str:
    near = difflib.get_close_matches(name[:80], list(function.arguments), 1)
    hint = f", did you mean {near[0]}?" if near else ""
    return f"is not an input of {function.name}{hint}"


def _or_null(argument: Argument) -> str:
    return f"{argument.kind.expected}, or null for a value that is not known"
