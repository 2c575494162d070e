"""Read and check tasks/*.yml: the tasks, and the columns that their models may use."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from hitparade.generate.declarations import (
    Column,
    Declarations,
    Derived,
    Entity,
    Input,
    Label,
    SpecialTask,
    TabularTask,
    Task,
)
from models_py.algorithms import ALGORITHMS
from models_py.metrics import METRICS

COLUMNS = "columns.yml"
TYPES = ("double", "boolean", "date", "varchar", "varchar[]")
NAME = re.compile(r"[a-z][a-z0-9_]*")
# Every split is made by folds, so they are part of every tabular task's definition.
FOLDS = {"folds": "folds"}


class DeclarationError(ValueError):
    """A declaration is wrong; the message names the file, the cause and the accepted values."""


def read(folder: Path) -> Declarations:
    """Read all declarations of a folder.

    Raises:
        DeclarationError: a file is missing or wrong.
    """
    if not (folder / COLUMNS).is_file():
        raise DeclarationError(f"there is no {folder / COLUMNS}: run this in a hitparade project")
    entities = {
        name: _entity(folder / COLUMNS, name, facts)
        for name, facts in _yaml(folder / COLUMNS).items()
    }
    files = sorted(file for file in folder.glob("*.yml") if file.name != COLUMNS)
    tasks = tuple(_task(file, entities) for file in files)
    _refuse_duplicates(folder, tasks)
    return Declarations(entities, tasks)


def _yaml(file: Path) -> dict:
    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise DeclarationError(f"{file} is not YAML: {error}") from error
    if not isinstance(found, dict):
        raise DeclarationError(
            f"{file} declares nothing: see the other files in {file.parent} for examples"
        )
    return found


def _checked(
    file: Path, what: str, facts: Any, needed: Iterable[str], optional: Iterable[str] = ()
) -> dict:
    """Return the facts if all needed keys are there, and no unknown ones."""
    needed, optional = set(needed), set(optional)
    if not isinstance(facts, dict):
        raise DeclarationError(f"{file}: {what} is {facts!r}: give {', '.join(sorted(needed))}")
    if missing := sorted(needed - set(facts)):
        raise DeclarationError(f"{file}: {what} lacks {', '.join(missing)}: add what is missing")
    if unknown := sorted(set(facts) - needed - optional):
        known = ", ".join(sorted(needed | optional))
        raise DeclarationError(f"{file}: {what} has {', '.join(unknown)}: it may have {known}")
    return facts


def _entity(file: Path, name: str, facts: Any) -> Entity:
    needed = [
        "source",
        "relation",
        "key",
        "mart",
        "predictions",
        "rows",
        "after_release",
        "columns",
    ]
    facts = dict(_checked(file, name, facts, needed, ["examples", "scored"]))
    key = _checked(file, f"{name}.key", facts.pop("key"), ["name", "description"])
    columns = {
        column: _column(file, f"{name}.{column}", column, given)
        for column, given in facts.pop("columns").items()
    }
    return Entity(
        name=name,
        key=key["name"],
        key_description=key["description"],
        after_release=tuple(facts.pop("after_release")),
        columns=columns,
        **facts,
    )


def _column(file: Path, what: str, name: str, facts: Any) -> Column:
    optional = ["missing", "vocabulary", "inputs", "range", "unit", "digits", "from_track"]
    facts = dict(_checked(file, what, facts, ["type", "description"], optional))
    inputs = tuple(
        Input(one, **_checked(file, f"{what}.inputs.{one}", given, ["sql", "description"]))
        for one, given in facts.pop("inputs", {}).items()
    )
    column = Column(name=name, inputs=inputs, **facts | {"range": _range(facts.get("range"))})
    if column.type not in TYPES:
        raise DeclarationError(
            f"{file}: {what} has type {column.type}: use one of {', '.join(TYPES)}"
        )
    if column.type == "varchar[]" and not column.vocabulary:
        raise DeclarationError(f"{file}: {what} is a list: name the seed that is its vocabulary")
    if column.type in ("date", "varchar") and not inputs:
        raise DeclarationError(
            f"{file}: {what} has type {column.type}: declare the inputs that it becomes"
        )
    return column


def _range(given: Any) -> tuple[float, float] | None:
    return None if given is None else (given[0], given[1])


def _task(file: Path, entities: Mapping[str, Entity]) -> Task:
    facts = dict(_yaml(file))
    name = facts.pop("task", None)
    if name != file.stem or not NAME.fullmatch(str(name)):
        raise DeclarationError(
            f"{file}: task is {name!r}: give the name of the file, lowercase letters, digits and "
            "underscores"
        )
    if "code" in facts:
        return _special(file, name, facts, entities)
    return _tabular(file, name, facts, entities)


def _common(file: Path, name: str, facts: dict, source: str, definition: dict) -> dict:
    """Return the attributes that all tasks have."""
    for variable in facts["defined_by"]:
        definition |= variable if isinstance(variable, dict) else {variable: variable}
    return {
        "name": name,
        "answers": facts["answers"],
        "source": source,
        "algorithms": {one: params or {} for one, params in facts["algorithms"].items()},
        "definition": definition,
        "example": facts["example"],
        "comment": _comment(file),
    }


def _comment(file: Path) -> str:
    """Return the comment at the head of a file."""
    lines = []
    for line in file.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").removeprefix(" "))
    return "\n".join(lines).strip()


def _special(file: Path, name: str, facts: dict, entities: Mapping[str, Entity]) -> SpecialTask:
    needed = ["answers", "source", "code", "algorithms", "defined_by", "predictions", "example"]
    _checked(file, name, facts, needed, ["inputs_of", "changeable"])
    changeable = [_argument(file, entities["tracks"], one) for one in facts.get("changeable", ())]
    if without := [one.name for one in changeable if one.range is None]:
        raise DeclarationError(f"{file}: {', '.join(without)} may change, so declare its range")
    return SpecialTask(
        **_common(file, name, facts, facts["source"], {}),
        code=facts["code"],
        predictions=tuple(facts["predictions"]),
        inputs_of=facts.get("inputs_of"),
        changeable=tuple(changeable),
    )


def _tabular(file: Path, name: str, facts: dict, entities: Mapping[str, Entity]) -> TabularTask:
    needed = [
        "answers",
        "entity",
        "kind",
        "arguments",
        "label",
        "metric",
        "algorithms",
        "defined_by",
        "example",
    ]
    _checked(file, name, facts, needed, ["labels", "search", "prediction", "derived"])
    entity = _one_of(file, "entity", facts["entity"], entities)
    kind = facts["kind"]
    _one_of(file, "kind", kind, METRICS)
    _one_of(file, "metric", facts["metric"], METRICS[kind])
    for algorithm in facts["algorithms"]:
        _one_of(file, f"an algorithm of kind {kind}", algorithm, ALGORITHMS[kind])
    for algorithm in facts.get("search", {}):
        _one_of(file, "an algorithm of `search`", algorithm, facts["algorithms"])
    if (kind == "multiclass") != bool(facts.get("labels")):
        raise DeclarationError(f"{file}: a multiclass task needs `labels`; other kinds have none")
    arguments = tuple(_argument(file, entity, one) for one in facts["arguments"])
    if lists := [one.name for one in arguments[:-1] if one.vocabulary]:
        raise DeclarationError(f"{file}: {lists[0]} becomes many inputs: list it last")
    label = _checked(file, f"{name}.label", facts["label"], ["name", "sql", "description"])
    return TabularTask(
        **_common(file, name, facts, entity.source, dict(FOLDS)),
        entity=entity,
        kind=kind,
        arguments=arguments,
        label=Label(**label),
        metric=facts["metric"],
        labels=tuple(facts.get("labels", ())),
        search=facts.get("search", {}),
        prediction=facts.get("prediction", name),
        derived=tuple(
            Derived(one, **_checked(file, f"derived.{one}", given, ["sql", "answers"]))
            for one, given in facts.get("derived", {}).items()
        ),
    )


def _one_of(file: Path, what: str, given: Any, known: Mapping[Any, Any]) -> Any:
    if given not in known:
        raise DeclarationError(f"{file}: {what} is {given}: use one of {', '.join(known)}")
    return known[given]


def _argument(file: Path, entity: Entity, name: str) -> Column:
    if name not in entity.columns:
        raise DeclarationError(
            f"{file}: {entity.name} has no column {name}: declare it in {COLUMNS}, or use one of "
            f"{', '.join(entity.columns)}"
        )
    return entity.columns[name]


def _refuse_duplicates(folder: Path, tasks: Iterable[Task]) -> None:
    """Refuse two functions or two columns of predictions with the same name."""
    functions: dict[str, str] = {}
    for task in tasks:
        derived = task.derived if isinstance(task, TabularTask) else ()
        for name in (task.name, *(one.name for one in derived)):
            if name in functions:
                raise DeclarationError(
                    f"{folder}: {functions[name]} and {task.name} both have a function "
                    f"predict_{name}: give one of them another name"
                )
            functions[name] = task.name
