"""The functions of the published file: what they take, return, and which model answers."""

import asyncio
import difflib
import re
from dataclasses import dataclass
from typing import Any

from hitparade.serve.http.declared import Declarations, DeclaredArgument, DeclaredFunction
from hitparade.serve.http.kinds import Kind, kind_of
from hitparade.serve.http.problems import Problem
from hitparade.serve.pool import Failed, Pool

# The first argument of these calls, or a later one, is the id of the model that answers.
ASKS_A_MODEL = re.compile(r"\b(?:onnx_\w+|check_features)\(")
DIRECTLY = re.compile(r"\b(?:onnx_\w+|check_features)\('([^']+)'")
BY_ALGORITHM = re.compile(r'"?map"?\(list_value\(([^()]*)\), list_value\(([^()]*)\)\)\[algorithm\]')
# Sentences of a description that help in SQL, and not here.
IN_SQL_ONLY = re.compile(
    r" (?:Also by row, \w+\([\w, ]*\)|Needs ONNX Runtime: udfs\.register\(connection\)"
    r"|Pure SQL, in any client)\."
)
LITERAL = re.compile(r"'([^']*)'")
ALGORITHM, MODEL = "algorithm", "model_id"


@dataclass(frozen=True)
class Argument:
    """An input of a function."""

    name: str
    kind: Kind
    description: str
    is_required: bool

    @property
    def expected(self) -> str:
        """What the input takes, for a message."""
        return (
            f"{self.kind.expected}: {self.description}" if self.description else self.kind.expected
        )


@dataclass(frozen=True)
class Function:
    """A function that can be called by named arguments."""

    name: str
    arguments: dict[str, Argument]
    description: str
    returns: str | None
    returns_description: str
    is_table: bool
    task: str | None
    model_id: str | None
    """The model that answers; None if that depends on an argument, or no model does."""
    by_algorithm: dict[str, str]
    """The model of each value of `algorithm`."""
    check: str | None = None
    """The function that checks the same inputs."""

    @property
    def models_differ(self) -> bool:
        """Whether an argument decides which model answers."""
        return bool(self.by_algorithm) or MODEL in self.arguments

    def model_of(self, row: dict[str, Any]) -> str | None:
        """Return the model that answers a row."""
        if self.by_algorithm:
            return self.by_algorithm.get(row.get(ALGORITHM) or "")
        return row.get(MODEL) if MODEL in self.arguments else self.model_id

    def as_dict(self) -> dict[str, Any]:
        """Return the function for `GET /functions`."""
        return {
            "name": self.name,
            "description": self.description,
            "arguments": [
                {
                    "name": each.name,
                    "type": each.kind.duckdb,
                    "required": each.is_required,
                    "description": each.description,
                }
                for each in self.arguments.values()
            ],
            "returns": {"type": self.returns, "description": self.returns_description},
            "task": self.task,
            "model_id": self.model_id,
            "models": self.by_algorithm,
            "check": self.check,
        }


@dataclass(frozen=True)
class Catalog:
    """The functions of one version of the file."""

    file: str
    functions: dict[str, Function]
    champions: dict[str, str]
    models: frozenset[str]
    """The ids of all models."""

    def named(self, name: str) -> Function:
        """Return a function.

        Raises:
            Problem: there is none of this name.
        """
        if name in self.functions:
            return self.functions[name]
        near = difflib.get_close_matches(name[:80], self.functions, 1)
        hint = f"did you mean {near[0]}?" if near else "GET /functions lists all"
        raise Problem(404, f"there is no function {name[:80]}: {hint}")


class Catalogs:
    """The catalog of the published file, read again after each publish."""

    def __init__(self, pool: Pool, declarations: Declarations):
        """Take what runs statements, and what describes arguments."""
        self._pool, self._declarations = pool, declarations
        self._known: Catalog | None = None
        self._reading = asyncio.Lock()

    async def current(self, wanted: str | None = None) -> Catalog:
        """Return the functions of the published file.

        Args:
            wanted: the version that has answered a statement; by default the published one.

        Raises:
            Failed: the file cannot be read.
        """
        if self._known is None or self._known.file != (wanted or self.file()):
            async with self._reading:
                if self._known is None or self._known.file != (wanted or self.file()):
                    self._known = catalog(
                        await self._pool.functions(), await self._declarations.read()
                    )
        return self._known

    def file(self) -> str:
        """Return the version of the published file.

        Raises:
            Failed: there is none.
        """
        try:
            return self._pool.file()
        except OSError as error:
            raise Failed("58030", f"the published file cannot be read: {error.strerror}") from error

    @property
    def known(self) -> Catalog | None:
        """The catalog that was read last."""
        return self._known


@dataclass(frozen=True)
class _Models:
    """What a file tells of its models."""

    tasks: dict[str, str]
    """The task of each model."""
    champions: dict[str, str]
    inlined: dict[str, str]
    """The champion by the definition of its `predict_<task>`."""


def catalog(told: dict[str, Any], declared: dict[str, DeclaredFunction]) -> Catalog:
    """Return the catalog of a file.

    Args:
        told: by a worker: see `hitparade/serve/worker/functions.py`.
        declared: what is known of arguments, by function.
    """
    champions = {each["task"]: each["model_id"] for each in told["champions"]}
    models = _Models(
        {model["model_id"]: model["task"] for model in told["models"]},
        champions,
        {
            form["definition"]: champions[task]
            for form in told["functions"]
            if (task := form["name"].removeprefix("predict_")) in champions and form["name"] != task
        },
    )
    forms: dict[str, list[dict[str, Any]]] = {}
    for form in told["functions"]:
        forms.setdefault(form["name"], []).append(form)
    functions = {
        name: _function(_form(of_name, declared.get(name)), declared.get(name), models)
        for name, of_name in forms.items()
    }
    checked = {name: _with_check(each, functions) for name, each in functions.items()}
    return Catalog(told["file"], checked, champions, frozenset(models.tasks))


def _form(forms: list[dict[str, Any]], declared: DeclaredFunction | None) -> dict[str, Any]:
    """Return the form that is called by names: as declared, else the shortest without a row."""
    if declared:
        for form in forms:
            if {*form["parameters"]} == {*declared.arguments}:
                return form
    without = [
        form for form in forms if not any(_is_row(form, each) for each in form["parameters"])
    ]
    return (without or forms)[0]


def _is_row(form: dict[str, Any], parameter: str) -> bool:
    return re.search(rf"\b{re.escape(parameter)}\.", form["definition"]) is not None


def _function(form: dict[str, Any], declared: DeclaredFunction | None, models: _Models) -> Function:
    definition = form["definition"]
    by_algorithm = _by_algorithm(definition) if ALGORITHM in form["parameters"] else {}
    model_id = None if {ALGORITHM, MODEL} & {*form["parameters"]} else _model(form, models)
    declared = declared or DeclaredFunction()
    return Function(
        name=form["name"],
        arguments={
            name: _argument(name, definition, declared.arguments.get(name))
            for name in form["parameters"]
        },
        description=IN_SQL_ONLY.sub("", " ".join(form["description"].split())),
        returns=declared.returns,
        returns_description=declared.returns_description,
        is_table=form["is_table"],
        task=_task(form["name"], [model_id, *by_algorithm.values()], models.tasks),
        model_id=model_id,
        by_algorithm=by_algorithm,
    )


def _argument(name: str, definition: str, declared: DeclaredArgument | None) -> Argument:
    if declared is None:
        return Argument(name, kind_of(_cast(name, definition)), "", True)
    return Argument(name, kind_of(declared.type), declared.description, not declared.is_optional)


def _cast(name: str, definition: str) -> str | None:
    """Return the type that a definition casts an argument to; a truth value is cast twice."""
    pattern = rf'\bCAST\("?{re.escape(name)}"? AS ([A-Z]+(?:\[\])?)\)'
    found = re.findall(pattern, definition)
    return next((each for each in found if each == "BOOLEAN" or "[" in each), (found or [None])[0])


def _model(form: dict[str, Any], models: _Models) -> str | None:
    definition = form["definition"]
    if ASKS_A_MODEL.search(definition):
        for found in (DIRECTLY.findall(definition), LITERAL.findall(definition)):
            if known := next((each for each in found if each in models.tasks), None):
                return known
    # A linear champion is written out in the function, without its id.
    for inlined, model_id in models.inlined.items():
        if inlined in definition:
            return model_id
    task = form["name"].removeprefix("predict_").removesuffix("_proba")
    return models.champions.get(task) if form["name"] == f"predict_{task}_proba" else None


def _by_algorithm(definition: str) -> dict[str, str]:
    if (found := BY_ALGORITHM.search(definition)) is None:
        return {}
    names, ids = (LITERAL.findall(group) for group in found.groups())
    return dict(zip(names, ids, strict=True))


def _task(name: str, models: list[str | None], tasks: dict[str, str]) -> str | None:
    for model_id in models:
        if model_id in tasks:
            return tasks[model_id]
    ends = [task for task in {*tasks.values()} if name.endswith(f"_{task}")]
    return max(ends, key=len, default=None)


def _with_check(function: Function, functions: dict[str, Function]) -> Function:
    if function.name.startswith("check_"):
        return function
    for name in (f"check_{function.task}", f"check_{function.name}", f"check_{function.task}s"):
        check = functions.get(name)
        if check and {*check.arguments} <= {*function.arguments}:
            return Function(**{**vars(function), "check": name})
    return function
