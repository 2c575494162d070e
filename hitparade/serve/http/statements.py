"""The statement that calls a function: values are parameters, names are those of the file."""

import json
from dataclasses import dataclass
from typing import Any

from hitparade.serve.http.functions import Function
from hitparade.serve.http.inputs import Columns
from hitparade.serve.http.kinds import Anything
from udfs.identifiers import quoted


@dataclass(frozen=True)
class Statement:
    """A statement and the values of its parameters."""

    sql: str
    parameters: list[Any]


def for_one(function: Function, check: Function | None, table: Columns) -> Statement:
    """Return the statement for one row: each value is a parameter.

    DuckDB plans it in half the time of the statement for many rows.
    """
    parameters: list[Any] = []
    values: dict[str, str] = {}
    for name, (value,) in table.items():
        kind = function.arguments[name].kind
        if isinstance(kind, Anything):
            parameters += [json.dumps(value), json.dumps(kind.structure([value]))]
            place = len(parameters)
            values[name] = f"from_json(cast(${place - 1} as json), ${place})"
        else:
            parameters.append(value)
            values[name] = f"cast(${len(parameters)} as {kind.duckdb})"
    return Statement("select " + _calls(function, check, values), parameters)


def for_many(function: Function, check: Function | None, table: Columns, rows: int) -> Statement:
    """Return the statement for many rows: one parameter has all values as JSON, by column.

    DuckDB reads JSON faster than the Python client hands over lists.
    """
    keys = {name: f"a{place}" for place, name in enumerate(table)}
    structure = {
        key: [function.arguments[name].kind.structure(table[name])] for name, key in keys.items()
    }
    body = {key: table[name] for name, key in keys.items()}
    numbered = "generate_subscripts(given.a0, 1)" if keys else f"unnest(range({rows}))"
    listed = ", ".join([f"{numbered} as n", *(f"unnest(given.{key}) as {key}" for key in body)])
    calls = _calls(function, check, {name: f"song.{key}" for name, key in keys.items()})
    sql = (
        f"select {calls} from (select {listed} from"
        f" (select from_json(cast($1 as json), $2) as given)) as song order by song.n"
    )
    return Statement(sql, [json.dumps(body), json.dumps(structure)])


def _calls(function: Function, check: Function | None, values: dict[str, str]) -> str:
    calls = [_call(function, values)]
    if check is not None:
        calls.append(_call(check, {name: values[name] for name in check.arguments}))
    return ", ".join(calls)


def _call(function: Function, values: dict[str, str]) -> str:
    given = ", ".join(f"{quoted(name)} := {value}" for name, value in values.items())
    call = f"{quoted(function.name)}({given})"
    return f"(select list(found) from {call} as found)" if function.is_table else call
