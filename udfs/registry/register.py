"""Check a model from outside, store it in `ml.registered_models`, and serve it."""

import hashlib
import json
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike

from models_py.agreement import difference
from models_py.columns import group
from models_py.registry_schema import REGISTRY_FORMAT, SCHEMA, model_id
from udfs.errors import ModelError
from udfs.identifiers import quoted
from udfs.registry.estimators import TOLERANCE, exported
from udfs.registry.examples import encoded, has_text, numbers
from udfs.registry.operations import renew_served_models, transaction
from udfs.registry.probes import spread
from udfs.registry.sandbox import validated_in_sandbox
from udfs.registry.validation import ROWS, Given, Graph, groups_of, rows_to_try
from udfs.runtime.sessions import Model

if TYPE_CHECKING:  # these are not installed where models are only served
    from pandas import DataFrame
    from sklearn.base import BaseEstimator

# How many rows a model keeps of its examples, and how many numbers at most.
KEPT_EXAMPLES = 1_000
KEPT_NUMBERS = 1_000_000
TASK_NAME = r"[a-z][a-z0-9_]*"  # a part of the names of functions
# The inputs of a task are those of its newest trained model, else of its newest model.
KNOWN = """
    select
        coalesce(
            arg_max(list_transform(inputs, lambda input: input.name), trained_at)
            filter (where origin = 'trained'),
            arg_max(list_transform(inputs, lambda input: input.name), trained_at)
        ) as inputs,
        arg_max(outputs, trained_at) as outputs,
        arg_max(answer, trained_at) as answer,
        list(distinct algorithm) filter (where origin = 'trained') as trained,
        -- the task's functions need more from a model than numeric scores
        coalesce(bool_or(origin = 'trained'), false) and 'predict_' || $task not in (
            select function_name from duckdb_functions()
        ) as is_special
    from ml.model_versions
    where task = $task
"""
NEWEST = """
    select model_id, version from ml.registered_models where task = ? and algorithm = ?
    order by version desc nulls last limit 1
"""
# If the SQL form of a model was dropped once, the model has none in any task.
TAKEN_BACK = """
    select count(*) > 0 from ml.registry
    where model_id = ? and portable is null and pruned_at is null
"""
TAKEN_NAME = """
    select any_value(function_name) from duckdb_functions()
    where function_name in (
        'predict_' || $task, 'predict_' || $task || '_proba', 'predict_' || $task || '_by',
        'check_' || $task, 'encode_' || $task, 'explain_' || $task
    )
"""

# The reason why a model cannot be removed from the registry, in words.
IN_USE = """
    select 'it was champion of task ' || task from ml.promotions where model_id = $model_id
    union all
    select 'it has a share of the traffic of task ' || task from ml.assignments
    where model_id = $model_id
    union all
    select 'stored predictions name it' from ml.stored_predictions where model_id = $model_id
    limit 1
"""


@dataclass(frozen=True)
class _Registered:
    """A model that may be stored, and what is known of it.

    Attributes:
        graph: the graph.
        inputs: the names of its features, if they are known.
        labels: the names that the caller gives to its scores.
        classes: the names that it gives itself.
        algorithm: the name of its algorithm.
        examples: rows (n, k) of features, if there are any.
        tried: rows (n, k) on which the SQL backend must give onnxruntime's answers.
        answer: what its scores mean, if it is known.
        parity: its largest difference from its source.
        config: its description as JSON.
        takes_text: whether inputs may be members of one-hot groups of text.
    """

    graph: Graph
    inputs: Sequence[str] | None
    labels: Sequence[str] | None
    classes: Sequence[str] | None
    algorithm: str
    examples: np.ndarray | None
    tried: np.ndarray | None
    answer: str | None = None
    parity: float | None = None
    config: str | None = None
    takes_text: bool = True


def register_model(
    connection: duckdb.DuckDBPyConnection,
    model: "BaseEstimator | bytes | bytearray | memoryview",
    *,
    task: str,
    inputs: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    algorithm: str | None = None,
    examples: "ArrayLike | DataFrame | None" = None,
    expected: ArrayLike | None = None,
) -> str:
    """Store a model from outside, serve it, and return its model_id for `onnx_predict`.

    The model does not become champion: use `promote` for that. `hitparade function` declares its
    task, from which its SQL functions follow. Registering the newest model of an algorithm again
    adds nothing.

    Args:
        connection: a writable connection to a database with a registry.
        model: the bytes of an ONNX file, or a fitted estimator of scikit-learn, XGBoost, LightGBM
            or CatBoost, or a pipeline of them, which is exported; the graph must give the
            estimator's own answers, on the examples and on rows made from them.
        task: name of an existing or a new task. The outputs of a task are those of its first model.
        inputs: names of the k features in order; by default those that the estimator was fitted
            on, those of the graph, or those of the task.
        labels: names of the m scores in order; by default the classes of the estimator or graph.
        algorithm: name under which the versions of this model are counted within the task; by
            default the name of the estimator's class, or `registered`.
        examples: rows (n, k) like those it was trained on, as an array or a data frame. They give
            the ranges that `check_features` uses, and the model is tested on them. Required for an
            estimator.
        expected: the right scores (n, m) of the examples, which the bytes must give.

    Raises:
        ModelError: the model cannot be stored; the message says why.
    """
    inputs, labels = (
        None if names is None else [str(name).strip() for name in names]
        for names in (inputs, labels)
    )
    for name in (task, algorithm or "registered"):
        if not isinstance(name, str) or not name.isprintable() or not name.strip():
            raise ModelError(f"{name!r} is not a name for a task or an algorithm: give a string")
    if isinstance(model, bytes | bytearray | memoryview):
        found = _of_bytes(bytes(model), inputs, labels, algorithm, examples, expected)
    else:
        if expected is not None:
            raise ModelError("expected belongs to bytes: an estimator is asked itself")
        found = _of_estimator(model, inputs, labels, algorithm, examples)
    with transaction(connection):
        row = _row(connection, task, found)
        earlier = connection.execute(NEWEST, [task, row["algorithm"]]).fetchall()
        if not earlier or earlier[0][0] != row["model_id"]:
            _insert(connection, row | {"version": earlier[0][1] + 1 if earlier else 1})
            _compare_backends(connection, row, found)
    return row["model_id"]


def _of_estimator(
    estimator: Any,
    inputs: Sequence[str] | None,
    labels: Sequence[str] | None,
    algorithm: str | None,
    examples: Any,
) -> _Registered:
    found = exported(estimator, examples, inputs)
    if inputs and found.inputs and list(inputs) != found.inputs and {*inputs} == {*found.inputs}:
        raise ModelError(
            f"inputs are {', '.join(inputs)}, and the model was fitted on "
            f"{', '.join(found.inputs)}: give them in this order, or leave them out"
        )
    return _Registered(
        found.graph,
        # The inputs of an estimator of a data frame need not be its columns.
        inputs
        if inputs and not groups_of(found.inputs) and len(inputs) == found.graph.inputs
        else found.inputs or inputs,
        labels,
        found.labels,
        algorithm or found.algorithm,
        found.rows,
        found.tried,
        found.answer,
        found.parity,
        found.config,
        takes_text=bool(groups_of(found.inputs)),
    )


def _of_bytes(
    content: bytes,
    inputs: Sequence[str] | None,
    labels: Sequence[str] | None,
    algorithm: str | None,
    examples: Any,
    expected: ArrayLike | None,
) -> _Registered:
    if examples is not None and has_text(examples):
        known = validated_in_sandbox(content, Given(names=None if inputs is None else list(inputs)))
        examples = encoded(examples, known.input_names or inputs or [])
    rows = None if examples is None else numbers(examples)
    tried = None if rows is None else spread(rows, ROWS)
    missing = None if rows is None else np.flatnonzero(np.isnan(rows).any(axis=0)).tolist()
    names = None if inputs is None else list(inputs)
    if names is None and rows is not None:
        names = [f"input_{place + 1}" for place in range(rows.shape[1])]
    graph = validated_in_sandbox(content, Given(tried, names, missing=missing))
    if graph.rounds_before_trees:
        warnings.warn(
            "the file computes in float32 before its trees, so it may answer otherwise than its "
            "source for a row near a threshold: register the estimator itself, if you have it",
            stacklevel=3,
        )
    parity = None if expected is None else _parity(graph, rows, expected)
    return _Registered(
        graph,
        _input_names(graph, inputs, names),
        labels,
        graph.labels,
        algorithm or "registered",
        rows,
        tried,
        parity=parity,
    )


def _input_names(
    graph: Graph, inputs: Sequence[str] | None, tried: list[str] | None
) -> Sequence[str] | None:
    """Return the names of the features; names that were given may be those of columns of text."""
    own = graph.input_names
    if own is None or own == inputs or not groups_of(own):
        return inputs or (None if own == tried else own)
    columns = [*dict.fromkeys(group(name) or name for name in own)]
    if inputs is None or len(inputs) != len(columns):
        return inputs or own
    given = dict(zip(columns, inputs, strict=True))
    return [given[group(name) or name] + name.removeprefix(group(name) or name) for name in own]


def _parity(graph: Graph, rows: np.ndarray | None, expected: ArrayLike) -> float:
    """Return the largest difference of a graph from the expected scores.

    Raises:
        ModelError: it is more than TOLERANCE, or the shapes do not fit.
    """
    if rows is None:
        raise ModelError("expected belongs to examples: give the rows that it answers")
    model = Model("to be registered", graph.content)
    (scores,) = model.run(["scores"], {"features": rows.astype(model.floats)})
    try:
        wanted = np.asarray(expected, dtype=np.float64).reshape(len(rows), -1)
    except (TypeError, ValueError) as error:
        raise ModelError(
            f"expected must be numbers, a row for each of the {len(rows)} examples: {error}"
        ) from error
    scores = scores[:, : graph.outputs - graph.has_label]
    if wanted.shape != scores.shape:
        raise ModelError(
            f"expected has shape {wanted.shape}, and the model gives scores of shape "
            f"{scores.shape} for the examples: give a number for each score"
        )
    found = difference(scores, wanted)
    if not found.max() <= TOLERANCE:
        row = int(found.max(axis=1).argmax())
        raise ModelError(
            f"the model was not stored: it differs from what is expected by {found.max():.2e}, in "
            f"{(found.max(axis=1) > TOLERANCE).sum()} of {len(rows)} rows, such as row {row}, and "
            f"{TOLERANCE} is allowed: export it again, or with another tool"
        )
    return float(found.max())


def unregister_model(connection: duckdb.DuckDBPyConnection, model_id: str) -> None:
    """Remove a registered model that was never used, such as one registered under a wrong name.

    Raises:
        ModelError: no such model was registered, or the model is or was in use.
    """
    with transaction(connection):
        known = "from ml.registered_models where model_id = ?"
        if not connection.execute(known, [model_id]).fetchall():
            raise ModelError(
                f"no model {model_id} was registered: see select model_id, task, algorithm from "
                "ml.registered_models"
            )
        if uses := connection.execute(IN_USE, {"model_id": model_id}).fetchall():
            raise ModelError(f"model {model_id} stays in the registry: {uses[0][0]}")
        connection.execute(f"delete {known}", [model_id])
        renew_served_models(connection)


def _row(connection: duckdb.DuckDBPyConnection, task: str, found: _Registered) -> dict:
    """Return the row of the registry, without its version."""
    if not re.fullmatch(TASK_NAME, task):
        raise ModelError(
            f"a task cannot be named {task!r}: use lowercase letters, digits and underscores"
        )
    ((known, outputs, answer, trained, is_special),) = connection.execute(
        KNOWN, {"task": task}
    ).fetchall()
    if is_special:
        raise ModelError(
            f"the functions of task {task} need more than numeric scores, and a registered model "
            "gives only those: name another task"
        )
    ((taken,),) = connection.execute(TAKEN_NAME, {"task": task}).fetchall()
    if outputs is None and taken:
        raise ModelError(f"another task already has a function {taken}: give the task another name")
    if found.algorithm in (trained or ()):
        raise ModelError(
            f"task {task} trains the algorithm {found.algorithm} itself: give the model another "
            "algorithm name"
        )
    graph = found.graph
    names = _names("inputs", graph.inputs, found.inputs or known)
    _refuse_other_types(task, names, known)
    if known is None and not found.takes_text and (members := [*filter(group, names)]):
        raise ModelError(
            f"{members[0]} is a number, and the name is that of a text of a column: give it "
            "another name"
        )
    inputs = _inputs(names, found)
    labels = _outputs(task, found, outputs)
    name = model_id(graph.content, inputs, labels)
    is_taken_back = connection.execute(TAKEN_BACK, [name]).fetchall()[0][0]
    return {
        "model_id": name,
        "task": task,
        "algorithm": found.algorithm,
        "trained_at": datetime.now(UTC).replace(tzinfo=None),
        "inputs": inputs,
        "outputs": labels,
        "answer": _answer(task, found, labels, answer),
        "examples": _kept(found.examples),
        "feature_fingerprint": _fingerprint(names, found.examples),
        "parity": found.parity,
        "config": found.config,
        "library_versions": json.dumps({"producer": graph.producer}),
        "registry_format": REGISTRY_FORMAT,
        "onnx_bytes": len(graph.content),
        "sha256": hashlib.sha256(graph.content).hexdigest(),
        "onnx": graph.content,
        "portable": None if is_taken_back else graph.portable,
    }


def _kept(examples: np.ndarray | None) -> list[np.ndarray] | None:
    """Return some of the examples in random order, which is always the same."""
    if examples is None:
        return None
    most = min(KEPT_EXAMPLES, max(KEPT_NUMBERS // examples.shape[1], 1))
    return list(np.random.default_rng(0).permutation(examples)[:most])


def _fingerprint(names: list[str], examples: np.ndarray | None) -> str | None:
    if examples is None:
        return None
    content = json.dumps(names).encode() + np.ascontiguousarray(examples).tobytes()
    return hashlib.sha256(content).hexdigest()[:12]


def _refuse_other_types(task: str, names: list[str], known: list[str] | None) -> None:
    """Refuse a column that is text for the task and a number for the model, or the reverse."""
    every = {*names, *(known or ())}
    numbers_of = {name for name in every if group(name) is None}
    for column in sorted({group(name) or "" for name in every} & numbers_of):
        raise ModelError(
            f"column {column} is text in one model of task {task} and a number in another: "
            "register this one for a task of its own"
        )


def _answer(task: str, found: _Registered, labels: list[str], known: str | None) -> str:
    """Return what the scores mean: that of the task if it has models already."""
    answer = found.answer
    if answer is None and (found.classes or found.labels) and len(labels) > 1:
        answer = "label"
    answer = answer or ("number" if len(labels) == 1 else "numbers")
    if known is not None and answer != known:
        raise ModelError(
            f"the models of task {task} answer with a {known}, and this one with a {answer}: "
            "register it for a task of its own"
        )
    return answer


def _names(what: str, count: int, names: Sequence[str] | None) -> list[str]:
    if names is None:
        raise ModelError(f"the model has {count} {what}: give their names in order")
    if len(names) != count or len(set(names)) != count or not all(names):
        raise ModelError(
            f"the model has {count} {what}, and {len(names)} names were given "
            f"({', '.join(names)}): give {count} different names"
        )
    if what == "outputs" and len({name.casefold() for name in names}) < count:
        raise ModelError(
            f"the labels {', '.join(names)} differ only in case, and SQL does not tell such names "
            "apart: give other labels"
        )
    return list(names)


def _inputs(names: list[str], found: _Registered) -> list[dict]:
    """Return the inputs in order with their ranges in the examples."""
    low = high = [None] * len(names)
    floats = "float64" if found.graph.is_double else "float32"
    if found.examples is not None:
        # check_features compares a value as the graph reads it.
        read = found.examples.astype(floats).astype(np.float64)
        low, high = np.nanmin(read, axis=0).tolist(), np.nanmax(read, axis=0).tolist()
    inputs: list[dict] = [
        {"name": name, "type": floats, "minimum": least, "maximum": most}
        for name, least, most in zip(names, low, high, strict=True)
    ]
    for place in found.graph.missing:
        inputs[place]["takes_missing"] = True
    return inputs


def _outputs(task: str, found: _Registered, known: list[str] | None) -> list[str]:
    """Return the names of the scores: those of the task if it has models already."""
    count = found.graph.outputs - found.graph.has_label
    classes = found.classes if found.classes and len(found.classes) == count else None
    labels = found.labels or classes or found.graph.output_names
    _refuse_other_order(found.labels, classes)
    if known is None:
        if labels and all(label.isdigit() for label in labels):
            raise ModelError(
                f"the model's classes are {', '.join(labels)}, and the labels of a task never "
                "change: give labels, the names of the classes in this order"
            )
        default = ["score"] if count == 1 else [f"score_{i + 1}" for i in range(count)]
        return _names("outputs", count, labels or default)
    if count != len(known):
        raise ModelError(
            f"the models of task {task} have the scores {', '.join(known)}, and this one has "
            f"{count}: register a model with {len(known)} scores, or use another task"
        )
    if _is_yes_or_no(labels, known) or (count == 1 and not found.labels):
        return known
    labels = list(labels or ())
    if labels != known:
        raise ModelError(
            f"the models of task {task} have the scores {', '.join(known)}, and this one has "
            f"{', '.join(labels) or f'{count} without names'}: train it with classes in "
            "that order, give labels for scores that have no names, or register it for a task of "
            "its own"
        )
    return known


def _refuse_other_order(labels: Sequence[str] | None, classes: Sequence[str] | None) -> None:
    """Refuse labels whose order differs from that of the model's classes."""
    labels, classes = labels or (), classes or ()
    for label, own in zip(labels, classes, strict=False):
        if label != own and label in classes:
            raise ModelError(
                f"labels are {', '.join(labels)}, but the model's scores are in the order of its "
                f"classes, {', '.join(classes)}: give labels in this order"
            )


def _is_yes_or_no(labels: Sequence[str] | None, known: list[str]) -> bool:
    """Return whether the two labels are an estimator's own values for false and true."""
    return known == ["false", "true"] and labels in (["False", "True"], ["0", "1"])


def _insert(connection: duckdb.DuckDBPyConnection, row: dict) -> None:
    rows = connection.from_arrow(pa.Table.from_pylist([row], SCHEMA))
    rows.insert_into("ml.registered_models")
    renew_served_models(connection)


def _compare_backends(connection: duckdb.DuckDBPyConnection, row: dict, found: _Registered) -> None:
    """Drop the SQL form of a model if rounding makes it differ from onnxruntime."""
    if row["portable"] is None:
        return
    rows = rows_to_try(len(row["inputs"]), [one["name"] for one in row["inputs"]])
    if found.tried is not None:
        rows = np.concatenate([found.tried, rows])
    for place in found.graph.missing:
        without = rows[:1].copy()
        without[:, place] = np.nan
        rows = np.concatenate([rows, without])
    model = Model(row["model_id"], row["onnx"])
    (expected,) = model.run(["scores"], {"features": rows.astype(model.floats)})
    if not _agree(_sql_backend_scores(connection, row["model_id"], rows), expected):
        warnings.warn(
            f"model {row['model_id']} runs only after udfs.register(connection): the SQL backend's "
            f"answers would differ from onnxruntime's by more than {TOLERANCE}",
            stacklevel=3,
        )
        connection.execute(
            "update ml.registered_models set portable = null where model_id = ?", [row["model_id"]]
        )
        renew_served_models(connection)


def _agree(found: list[list[float] | None], expected: np.ndarray) -> bool:
    """Return whether the SQL backend gives onnxruntime's scores, and NULL for nonfinite ones."""
    known = np.isfinite(expected).all(axis=1)
    if [scores is not None for scores in found] != known.tolist():
        return False
    answers = [scores for scores in found if scores is not None]
    if any(len(scores) != expected.shape[1] for scores in answers):
        return False
    expected = expected[known]
    return bool((difference(np.reshape(answers, expected.shape), expected) <= TOLERANCE).all())


def _sql_backend_scores(
    connection: duckdb.DuckDBPyConnection, model_id: str, rows: np.ndarray
) -> list[list[float] | None]:
    ((database,),) = connection.execute("select current_database()").fetchall()
    # The qualified name, because udfs.register shadows the short one.
    function = f"{quoted(database)}.main.onnx_predict"
    query = f"select {function}(?, features) from (select unnest(?) as features)"
    answers = connection.execute(query, [model_id, rows.tolist()]).fetchall()
    return [scores for (scores,) in answers]
