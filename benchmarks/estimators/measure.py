"""Register a model, ask it on both backends, and compare the answers with those of its source."""

import time
import warnings
from dataclasses import dataclass
from functools import cached_property
from inspect import signature
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

import udfs
from benchmarks.estimators.cases import Case, NotExportedError, Subject
from benchmarks.estimators.reasons import reason
from models_py.export import TOLERANCE, difference

# What is known of each case; the measurements of a model that was not registered are None.
FIELDS = (
    *("family", "case", "outcome", "reason", "message", "scores", "sql_backend", "rows"),
    *("difference", "wrong_rows", "sql_difference", "sql_wrong_rows", "other_labels", "seconds"),
)


@dataclass
class Registry:
    """A registry that cases may change, with a connection for each backend."""

    database: Path

    @cached_property
    def sql_backend(self) -> duckdb.DuckDBPyConnection:
        """The connection that registers models."""
        return duckdb.connect(str(self.database))

    @cached_property
    def onnx_runtime(self) -> duckdb.DuckDBPyConnection:
        """A connection with the functions of `udfs`."""
        connection = self.sql_backend.cursor()
        udfs.register(connection)
        return connection


def measured(registry: Registry, case: Case) -> dict[str, Any]:
    """Return what happens to a case: FIELDS; a failure is an outcome like any other."""
    row = _empty(case)
    if case.make is None:
        return row | {"outcome": "not tried", "reason": case.reason}
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fits that do not converge, and classes with new names
        try:
            row |= _outcome(registry, case.make())
        except NotExportedError as error:
            row |= {"outcome": "not tried", "reason": str(error)}
        except Exception as error:  # one case must not stop the others
            row = failed(case, error)
    return row | {"seconds": time.perf_counter() - started}


def failed(case: Case, error: BaseException) -> dict[str, Any]:
    """Return the row of a case that ended with an error of another kind than a refusal."""
    said = {"reason": type(error).__name__, "message": str(error)}
    return _empty(case) | {"outcome": "failed"} | said


def _empty(case: Case) -> dict[str, Any]:
    return dict.fromkeys(FIELDS) | {"family": case.family, "case": case.name}


def _outcome(registry: Registry, subject: Subject) -> dict[str, Any]:
    try:
        model_id = udfs.register_model(
            registry.sql_backend,
            subject.model,
            task="from_outside",
            inputs=subject.inputs,
            examples=subject.examples,
            labels=subject.labels,
            **_right_answers(subject),
        )
    except udfs.ModelError as error:
        if isinstance(error.__cause__, duckdb.Error):
            raise  # the registry itself failed
        return {"outcome": "refused", "reason": reason(str(error)), "message": str(error)}
    try:
        return {"outcome": "accepted"} | _compared(registry, subject, model_id)
    finally:
        udfs.unregister_model(registry.sql_backend, model_id)


def _right_answers(subject: Subject) -> dict[str, Any]:
    """Return the argument with the right answers, if there are any and it exists."""
    if not subject.expected or "expected" not in signature(udfs.register_model).parameters:
        return {}
    return {"expected": subject.expected(subject.examples)}


def _compared(registry: Registry, subject: Subject, model_id: str) -> dict[str, Any]:
    rows = subject.unseen
    scores = _answers(registry.onnx_runtime, model_id, rows)
    name, expected = _source(subject, scores)
    found = {"rows": len(rows), "scores": name, "sql_backend": True}
    found["difference"], found["wrong_rows"] = _differences(scores, expected)
    others = [_other_labels(registry, subject, model_id, scores, expected)]
    try:
        in_sql = _answers(registry.sql_backend, model_id, rows)
    except duckdb.Error as error:
        if "has no SQL form" not in str(error):
            raise
        found["sql_backend"] = False
    else:
        found["sql_difference"], found["sql_wrong_rows"] = _differences(in_sql, expected)
        others.append(_other_labels(registry, subject, model_id, in_sql, expected))
    known = [count for count in others if count is not None]
    return found | {"other_labels": max(known, default=None)}


def _answers(connection: duckdb.DuckDBPyConnection, model_id: str, rows: Any) -> np.ndarray:
    """Return the scores (n, m) of a model in SQL; NaN where it gives NULL."""
    query = "select onnx_predict(?, row) from (select unnest(?) as row)"
    found = connection.execute(query, [model_id, _lists(rows)]).fetchall()
    width = max((len(scores) for (scores,) in found if scores is not None), default=1)
    return np.array([[np.nan] * width if scores is None else scores for (scores,) in found])


def _lists(rows: Any) -> list[list]:
    """Return rows as lists; a missing value is None, and texts make all values of a row texts."""
    values = rows.to_numpy(dtype=object) if hasattr(rows, "columns") else rows
    has_texts = any(isinstance(value, str) for row in values for value in row)
    kind = str if has_texts else float
    return [[None if value != value else kind(value) for value in row] for row in values]


def _source(subject: Subject, scores: np.ndarray) -> tuple[str, np.ndarray]:
    """Return the name and the values of those answers of the source that the scores are."""
    found = {}
    for name, answer in subject.answers.items():
        try:
            found[name] = answer(subject.unseen)
        except (AttributeError, TypeError, ValueError):
            continue  # such as labels that are no numbers
    same = {name: own for name, own in found.items() if own.shape == scores.shape}
    if not same:
        shapes = ", ".join(f"{name} {own.shape}" for name, own in found.items())
        raise ValueError(f"the scores have shape {scores.shape}, and the source gives {shapes}")
    wrong = {name: _differences(scores, own)[::-1] for name, own in same.items()}
    name = min(wrong, key=wrong.__getitem__)
    return name, same[name]


def _differences(scores: np.ndarray, expected: np.ndarray) -> tuple[float, int]:
    """Return the largest difference, and the number of rows with a difference over TOLERANCE.

    A row without an answer has an infinite difference if the source has one.
    """
    if scores.shape != expected.shape:
        return np.inf, len(expected)
    both = np.isnan(scores) & np.isnan(expected)
    found = difference(np.where(both, 0, scores), np.where(both, 0, expected)).max(axis=1)
    found = np.where(np.isnan(found), np.inf, found)
    return float(found.max()), int((found > TOLERANCE).sum())


def _other_labels(
    registry: Registry, subject: Subject, model_id: str, scores: np.ndarray, expected: np.ndarray
) -> int | None:
    """Return the number of rows with another label than the source predicts.

    The label of a row is the most probable one. If a model says that it gives several at once, they
    are those whose score is over 1/2. A row that is equally close to two within TOLERANCE is not
    counted.
    """
    if subject.predict is None or scores.shape[1] == 1:
        return None
    query = "select outputs, answer from ml.registered_models where model_id = ?"
    ((names, answer),) = registry.sql_backend.execute(query, [model_id]).fetchall()
    labels, scores = np.array(names), np.nan_to_num(scores, nan=-np.inf)
    if answer == "labels":
        found = np.array(["+".join(labels[row > 1 / 2]) for row in scores])
        margin = np.abs(expected - 1 / 2).min(axis=1)
    else:
        found = labels[scores.argmax(axis=1)]
        second, best = np.sort(expected, axis=1)[:, -2:].T
        margin = (best - second) / np.maximum(1, np.abs(best))
    return int(((found != subject.predict(subject.unseen)) & (margin > TOLERANCE)).sum())
