"""The values that the templates insert: macro calls, Python literals, and lists of columns."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from hitparade.generate.declarations import (
    Column,
    Declarations,
    Derived,
    Entity,
    TabularTask,
)
from models_py.registry_schema import PORTABLE, REGISTRY_FORMAT, SCHEMA, sql_types
from models_py.sql_backend.activations import ACTIVATIONS
from models_py.sql_backend.steps import BEFORE_TREES, ELEMENTWISE, OF_ROWS
from models_py.sql_backend.transforms import TRANSFORMS
from udfs.registry import statements

WIDTH = 100


def facts(declared: Declarations) -> dict[str, Any]:
    """Return the variables of the templates that cover all tasks."""
    changeable = [column for task in declared.special for column in task.changeable]
    page = {task.name: given for task in declared.tabular if (given := from_track(task))}
    optimized = {
        task.name: page[task.inputs_of] for task in declared.special if task.inputs_of in page
    }
    return {
        "tasks": declared.tasks,
        "tabular": declared.tabular,
        "special": declared.special,
        "registered": declared.registered,
        "entities": list(declared.entities.values()),
        "tracks": declared.entities["tracks"],
        "changeable": changeable,
        "page": page | optimized,
        "page_tasks": [task for task in declared.tabular if task.name in page],
        "registry": sql_types(SCHEMA),
        "sql_backend": sql_types(PORTABLE),
        "registry_format": REGISTRY_FORMAT,
        "activations": ACTIVATIONS,
        "transforms": TRANSFORMS,
        "elementwise": ELEMENTWISE,
        "of_rows": OF_ROWS,
        "before_trees": BEFORE_TREES,
        "promotion": statements,
    }


def from_track(task: TabularTask) -> tuple[str, ...]:
    """Return a task's arguments as SQL over the columns of a track; empty if one is missing."""
    if task.entity.name == "tracks":
        return tuple(column.name for column in task.arguments)
    given = tuple(column.from_track or "" for column in task.arguments)
    return given if all(given) else ()


def stored_columns(declared: Declarations, entity: Entity) -> list[dict[str, Any]]:
    """Return the columns of an entity's predictions: name, task, function, type and description.

    A derived column also has a hash of its SQL.
    """
    columns = []
    for task in declared.tabular:
        if task.entity is entity:
            columns.append(
                {
                    "name": task.prediction,
                    "task": task.name,
                    "function": f"predict_{task.name}",
                    "type": "varchar" if task.kind == "multiclass" else "double",
                    "answers": task.answers,
                    "is_probability": task.kind == "binary",
                    "sql_hash": "",
                }
            )
            columns += [_derived_column(task, derived) for derived in task.derived]
    return columns


def _derived_column(task: TabularTask, derived: Derived) -> dict[str, Any]:
    return {
        "name": derived.name,
        "task": task.name,
        "function": f"predict_{derived.name}",
        "type": "double",
        "answers": derived.answers,
        "is_probability": False,
        "sql_hash": hashlib.md5(derived.sql.encode()).hexdigest()[:8],
    }


def functions_of(task: TabularTask) -> Iterator[tuple[str, str, Derived | None]]:
    """Yield template, name and derivation of each function of a task."""
    yield "predict", f"predict_{task.name}", None
    yield "predict_by", f"predict_{task.name}_by", None
    if task.labels:
        yield "predict_proba", f"predict_{task.name}_proba", None
    for derived in task.derived:
        yield "derived", f"predict_{derived.name}", derived
    yield "check", f"check_{task.name}", None
    yield "encode", f"encode_{task.name}", None
    yield "explain", f"explain_{task.name}", None


def answer(task: TabularTask) -> str:
    """Return the call that turns `scores`, those of a model, into the answer of a task."""
    if task.labels:
        return f"likeliest({list(task.labels)}, scores)"
    return f"element(scores, {2 if task.kind == 'binary' else 1})"


def explained_output(task: TabularTask) -> str:
    """Return the position of the score to explain; null for the largest score."""
    return {"binary": "2", "multiclass": "null"}.get(task.kind, "1")


def encoder_calls(entity: Entity, column: Column) -> list[str]:
    """Return the encoding macro's call for each input that a column becomes."""
    if column.inputs:
        return [_computed(entity, column, one.name) for one in column.inputs]
    if column.vocabulary:
        return [f"one_hot_group(task, '{column.name}', row)"]
    if column.type == "boolean":
        return [f"flag('{column.name}', row)"]
    if column.missing is not None:
        return [f"known_number('{column.name}', row, {column.missing})"]
    return [f"number('{column.name}', row)"]


def _computed(entity: Entity, column: Column, name: str) -> str:
    sql = f"{entity.name}_{name}(row ~ '{column.name}')"
    if name == column.name:
        return f"{{'name': '{name}', 'expression': {sql}}}"
    return f"{{'name': '{name}', 'argument': '{column.name}', 'expression': {sql}}}"


def literal(text: str) -> str:
    """Return a text as a string of Jinja, whatever quotes it has."""
    return f"'{text}'" if not {"'", "\\"} & {*text} else json.dumps(text, ensure_ascii=False)


def python(value: Any, indent: int = 8, taken: int = 0) -> str:
    """Return a value as Python code, formatted as ruff does.

    Args:
        value: strings, numbers, tuples and mappings.
        indent: indentation of the line that the value is in.
        taken: number of characters before the value in that line.
    """
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if not isinstance(value, tuple | list | dict):
        return repr(value)
    if isinstance(value, dict):
        first, last, comma = "{", "}", ""
        parts = [f"{python(k)}: {python(v, indent + 4)}" for k, v in value.items()]
    else:
        first, last, comma = "(", ")", "," if len(value) == 1 else ""
        parts = [python(one, indent + 4) for one in value]
    line = f"{first}{', '.join(parts)}{comma}{last}"
    if indent + taken + len(line) < WIDTH:
        return line
    inner = "".join(f"{' ' * (indent + 4)}{part},\n" for part in parts)
    return f"{first}\n{inner}{' ' * indent}{last}"
