"""Read and check tasks/*.yml: the tasks, and the columns that their models may use."""

import importlib.resources
import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from hitparade.generate.declarations import (
    Column,
    Declarations,
    Derived,
    Entity,
    Input,
    Label,
    RegisteredTask,
    Rows,
    SpecialTask,
    TabularTask,
    Task,
)
from hitparade.generate.names import is_sql_name
from hitparade.generate.render import stored_columns
from models_py.algorithms import ALGORITHMS
from models_py.metrics import METRICS
from models_py.spaces import SPACES

COLUMNS = "columns.yml"
SCHEMA = yaml.safe_load(importlib.resources.files(__package__).joinpath("schema.yml").read_text())
MERGE = "tag:yaml.org,2002:merge"  # `<<`: a key of the mapping may be in the merged one too
# The keys that only one kind of task has.
KINDS = {"code": "special", "outputs": "registered"}
# Every split is made by folds, so they are part of every tabular task's definition.
FOLDS = {"folds": "folds"}


class DeclarationError(ValueError):
    """A declaration is wrong; the message names the file, the cause and the next step."""


def read(folder: Path, variables: Collection[str] | None = None) -> Declarations:
    """Read all declarations of a folder.

    Args:
        folder: the folder tasks.
        variables: the variables of the dbt project, which tasks may name; by default any.

    Raises:
        DeclarationError: a file is missing or wrong.
    """
    if not (folder / COLUMNS).is_file():
        raise DeclarationError(f"there is no {folder / COLUMNS}: run this in a hitparade project")
    if others := sorted(folder.glob("*.yaml")):
        raise DeclarationError(f"{others[0]} is not read: give it the ending .yml")
    entities = {
        name: _entity(folder / COLUMNS, name, facts)
        for name, facts in _facts(folder / COLUMNS, "columns").items()
    }
    files = sorted(
        file
        for file in folder.glob("*.yml")
        if file.is_file() and file.name != COLUMNS and not file.name.startswith(".")
    )
    tasks = [_task(file, entities) for file in files]
    declared = Declarations(
        entities,
        tuple(task for task in tasks if not isinstance(task, RegisteredTask)),
        tuple(task for task in tasks if isinstance(task, RegisteredTask)),
    )
    for special in declared.special:
        _check_special(folder / f"{special.name}.yml", special, declared)
    _check_names(folder, declared)
    if variables is not None:
        known = dict.fromkeys(sorted(variables))
        for task in declared.tasks:
            for variable in task.definition.values():
                file = folder / f"{task.name}.yml"
                _one_of(file, "a variable of `defined_by`", variable, known)
    return declared


class _Loader(yaml.SafeLoader):
    """Reads YAML, and refuses a key that stands twice in a mapping."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        own = [key for key, _ in node.value if key.tag != MERGE]
        keys = [self.construct_object(key, deep=True) for key in own]
        for key, at in zip(keys, own, strict=True):
            if keys.count(key) > 1:
                mark = at.start_mark
                raise yaml.MarkedYAMLError(problem=f"{key} stands twice", problem_mark=mark)
        return super().construct_mapping(node, deep)


def _facts(file: Path, kind: str | None = None) -> dict:
    """Return the content of a file that follows the schema of its kind.

    Args:
        file: the file.
        kind: a part of the schema; by default that of the task in the file.
    """
    try:
        found = yaml.load(file.read_text(encoding="utf-8"), _Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise DeclarationError(f"{file} is not YAML: {error}") from error
    try:
        json.dumps(found, allow_nan=False, default=str)
    except (ValueError, RecursionError) as error:
        raise DeclarationError(
            f"{file}: it has a number that is not finite, or refers to itself"
        ) from error
    if not isinstance(found, dict):
        raise DeclarationError(
            f"{file} declares nothing: see the other files in {file.parent} for examples"
        )
    kind = kind or _kind(found)
    schema = {"$ref": f"#/{kind}"} | SCHEMA
    if fault := best_match(Draft202012Validator(schema).iter_errors(found)):
        place = "".join(f"{part}: " for part in fault.absolute_path)
        raise DeclarationError(
            f"{file}: {place}{fault.message}: see docs/reference/declarations.md"
        )
    return found


def _kind(facts: dict) -> str:
    return next((kind for key, kind in KINDS.items() if key in facts), "tabular")


def _entity(file: Path, name: str, facts: dict) -> Entity:
    facts = dict(facts)
    key = facts.pop("key")
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


def _column(file: Path, what: str, name: str, facts: dict) -> Column:
    facts = dict(facts)
    inputs = tuple(Input(one, **given) for one, given in facts.pop("inputs", {}).items())
    bounds = tuple(facts.pop("range", ())) or None
    if "digits" in facts:
        facts["digits"] = int(facts["digits"])  # 2.0 is an integer in JSON Schema
    column = Column(name=name, inputs=inputs, range=bounds, **facts)
    if bounds and not bounds[0] < bounds[1]:
        raise DeclarationError(f"{file}: {what}.range is {list(bounds)}: give the lower one first")
    if (column.type == "varchar[]") != bool(column.vocabulary):
        raise DeclarationError(
            f"{file}: {what} has type {column.type}: a list, and nothing else, has a vocabulary"
        )
    if column.type in ("date", "varchar") and not inputs:
        raise DeclarationError(
            f"{file}: {what} has type {column.type}: declare the inputs that it becomes"
        )
    if column.missing is not None and (column.type != "double" or inputs):
        raise DeclarationError(
            f"{file}: {what}.missing is only for a column of type double without inputs of its own"
        )
    return column


def _task(file: Path, entities: Mapping[str, Entity]) -> Task | RegisteredTask:
    facts = _facts(file)
    if facts["task"] != file.stem:
        raise DeclarationError(f"{file}: task is {facts['task']!r}: give the name of the file")
    if _kind(facts) == "registered":
        return _registered(file, facts)
    read_as = _special if _kind(facts) == "special" else _tabular
    return read_as(file, facts, entities)


def declared_rows(file: Path) -> Rows | None:
    """Return the rows that the declaration of a registered task names, if there is one.

    Raises:
        DeclarationError: the file is wrong.
    """
    facts = _facts(file) if file.is_file() else {}
    return _registered(file, facts).rows if _kind(facts) == "registered" else None


def _registered(file: Path, facts: dict) -> RegisteredTask:
    task = RegisteredTask(
        name=facts["task"],
        answers=facts["answers"],
        kind=facts["kind"],
        outputs=tuple(facts["outputs"]),
        arguments=facts["arguments"],
        rows=Rows(**facts["rows"]) if "rows" in facts else None,
    )
    if len({output.casefold() for output in task.outputs}) < len(task.outputs):
        raise DeclarationError(f"{file}: two outputs differ only in case: SQL takes them as one")
    if task.kind == "number" and len(task.outputs) > 1:
        raise DeclarationError(f"{file}: kind is number, and there are several outputs: numbers?")
    _refuse_keywords(file, [task.name])
    for name in task.arguments:
        # With several outputs, explain_<task> has an argument of this name.
        is_taken = name == "output" and task.kind in ("numbers", "labels")
        if not is_sql_name(name) or is_taken:
            raise DeclarationError(
                f"{file}: {name} cannot be the name of an argument in SQL: register the model with "
                "another name of this input, in lower case, no keyword, and not t, algorithm or "
                "output"
            )
    if task.rows:
        _check_rows(file, task, task.rows)
    return task


def _check_rows(file: Path, task: RegisteredTask, rows: Rows) -> None:
    _refuse_keywords(file, [name for name in (rows.key, rows.label) if name])
    parts = rows.relation.split(".")
    if len(parts) > 2 or not all(map(is_sql_name, parts)):
        raise DeclarationError(
            f"{file}: rows.relation is {rows.relation}: give a dbt model, or schema.table, in "
            "lower case"
        )
    if rows.key in (task.name, f"{task.name}_model_id", "inputs_hash", "predicted_at"):
        raise DeclarationError(
            f"{file}: the table of predictions has a column {rows.key} of its own: give another key"
        )


def _common(file: Path, facts: dict, source: str, definition: dict) -> dict:
    """Return the attributes that all tasks have."""
    for variable in facts["defined_by"]:
        definition |= variable if isinstance(variable, dict) else {variable: variable}
    return {
        "name": facts["task"],
        "answers": facts["answers"],
        "source": source,
        "algorithms": facts["algorithms"],
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


def _special(file: Path, facts: dict, entities: Mapping[str, Entity]) -> SpecialTask:
    changeable = [_argument(file, entities["tracks"], one) for one in facts.get("changeable", ())]
    if without := [one.name for one in changeable if one.range is None]:
        raise DeclarationError(f"{file}: {', '.join(without)} may change, so declare its range")
    return SpecialTask(
        **_common(file, facts, facts["source"], {}),
        code=facts["code"],
        predictions=tuple(facts["predictions"]),
        inputs_of=facts.get("inputs_of"),
        changeable=tuple(changeable),
    )


def _check_special(file: Path, task: SpecialTask, declared: Declarations) -> None:
    """Refuse `inputs_of` without such a task, and changeable inputs that are not its first ones."""
    if (task.inputs_of is None) != (not task.changeable):
        raise DeclarationError(f"{file}: give both inputs_of and changeable, or neither")
    if task.inputs_of is None:
        return
    others = {one.name: one for one in declared.tabular if one.entity.name == "tracks"}
    other = _one_of(file, "inputs_of", task.inputs_of, others)
    if task.changeable != (first := other.arguments[: len(task.changeable)]):
        raise DeclarationError(
            f"{file}: changeable is not how the arguments of {other.name} begin: give "
            f"{', '.join(one.name for one in first)}"
        )


def _tabular(file: Path, facts: dict, entities: Mapping[str, Entity]) -> TabularTask:
    entity = _one_of(file, "entity", facts["entity"], entities)
    kind = facts["kind"]
    _one_of(file, "kind", kind, METRICS)
    _one_of(file, "metric", facts["metric"], METRICS[kind])
    for algorithm in facts["algorithms"]:
        _one_of(file, f"an algorithm of kind {kind}", algorithm, ALGORITHMS[kind])
    _check_search(file, facts)
    if (kind == "multiclass") != ("labels" in facts):
        raise DeclarationError(f"{file}: a multiclass task needs `labels`; other kinds have none")
    arguments = tuple(_argument(file, entity, one) for one in facts["arguments"])
    if lists := [one.name for one in arguments[:-1] if one.vocabulary]:
        raise DeclarationError(f"{file}: {lists[0]} becomes many inputs: list it last")
    task = TabularTask(
        **_common(file, facts, entity.source, dict(FOLDS)),
        entity=entity,
        kind=kind,
        arguments=arguments,
        label=Label(**facts["label"]),
        metric=facts["metric"],
        labels=tuple(facts.get("labels", ())),
        search=facts.get("search", {}),
        prediction=facts.get("prediction", facts["task"]),
        derived=tuple(Derived(one, **given) for one, given in facts.get("derived", {}).items()),
    )
    columns = [entity.key, "pair_key", "fold", *task.inputs, task.label.name]
    if twice := [name for name in columns if columns.count(name) > 1]:
        raise DeclarationError(
            f"{file}: two columns of the feature table are named {twice[0]}: give the input or the "
            "label another name"
        )
    if len({label.casefold() for label in task.labels}) < len(task.labels):
        raise DeclarationError(f"{file}: two labels differ only in case: SQL takes them as one")
    return task


def _check_search(file: Path, facts: dict) -> None:
    for algorithm, bounds in facts.get("search", {}).items():
        _one_of(file, "an algorithm of `search`", algorithm, facts["algorithms"])
        space = _one_of(file, "an algorithm with a search space", algorithm, SPACES)
        for name, given in bounds.items():
            kind = type(_one_of(file, f"a hyperparameter of {algorithm}", name, space))
            try:
                kind(**given)
            except (TypeError, ValueError, OverflowError) as error:
                raise DeclarationError(
                    f"{file}: search.{algorithm}.{name} is {given}: {error}"
                ) from error


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


def _check_names(folder: Path, declared: Declarations) -> None:
    """Refuse names that SQL cannot use, and two columns of a table of predictions with one name."""
    tables = [entity.predictions for entity in declared.entities.values()]
    if len(set(tables)) < len(tables):
        raise DeclarationError(f"{folder / COLUMNS}: two entities have one table of predictions")
    for entity in declared.entities.values():
        inputs = [one.name for column in entity.columns.values() for one in column.inputs]
        if twice := [name for name in inputs if inputs.count(name) > 1]:
            raise DeclarationError(
                f"{folder / COLUMNS}: two columns of {entity.name} have an input {twice[0]}: give "
                "one of them another name"
            )
        names = [*entity.columns, *(one for c in entity.columns.values() for one in c.input_names)]
        _refuse_keywords(folder / COLUMNS, names)
        taken = {entity.key: "the key", "inputs_hash": "the build", "predicted_at": "the build"}
        for task in declared.tabular:
            taken[f"{task.name}_model_id"] = "the build"
        for column in stored_columns(declared, entity):
            name, task = column["name"], column["task"]
            _refuse_keywords(folder / f"{task}.yml", [name])
            if name in taken:
                raise DeclarationError(
                    f"{folder / task}.yml: {taken[name]} and {task} both have a column {name} in "
                    f"{entity.predictions}: give one of them another name"
                )
            taken[name] = task
    for task in declared.tabular:
        _refuse_keywords(folder / f"{task.name}.yml", [task.label.name])


def _refuse_keywords(file: Path, names: Iterable[str]) -> None:
    for name in names:
        if not is_sql_name(name):
            raise DeclarationError(
                f"{file}: {name} cannot be a name in SQL: use another one, not a keyword, not t, "
                "which is the row, and not algorithm"
            )
