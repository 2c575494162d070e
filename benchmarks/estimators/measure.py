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
from models_py.agreement import difference
from models_py.export import TOLERANCE

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
    stored = _Stored.of(registry, model_id)
    rows = stored.lists(subject.unseen)
    found = _answers(registry.onnx_runtime, model_id, rows)
    name, expected = _source(subject, stored, stored.scores(found))
    result = {"rows": len(rows), "scores": name, "sql_backend": True}
    result["difference"], result["wrong_rows"] = _differences(stored.scores(found), expected)
    others = [_other_labels(subject, stored, found, expected)]
    try:
        found = _answers(registry.sql_backend, model_id, rows)
    except duckdb.Error as error:
        if "has no SQL form" not in str(error):
            raise
        result["sql_backend"] = False
    else:
        in_sql = _differences(stored.scores(found), expected)
        result["sql_difference"], result["sql_wrong_rows"] = in_sql
        others.append(_other_labels(subject, stored, found, expected))
    known = [count for count in others if count is not None]
    return result | {"other_labels": max(known, default=None)}


@dataclass(frozen=True)
class _Stored:
    """What the registry says of a model: how to ask it, and what its numbers are."""

    inputs: list[str]
    outputs: list[str]
    answer: str | None

    @classmethod
    def of(cls, registry: Registry, model_id: str) -> "_Stored":
        query = """
            select list_transform(inputs, lambda input: input.name), outputs, answer
            from ml.registered_models where model_id = ?
        """
        return cls(*registry.sql_backend.execute(query, [model_id]).fetchall()[0])

    def lists(self, rows: Any) -> list[list[float | None]]:
        """Return rows as lists of the inputs; a missing number is None."""
        if hasattr(rows, "columns"):
            columns = [self._column(rows, name) for name in self.inputs]
        else:
            columns = list(rows.T)
        pairs = zip(*columns, strict=True)
        return [[None if value != value else float(value) for value in row] for row in pairs]

    def _column(self, rows: Any, name: str) -> Any:
        """Return the values of an input, which may say whether a column has a certain text."""
        if name in rows:
            return rows[name]
        column, is_text, text = name.partition("=")
        if is_text:
            return rows[column] == text
        column, _, kind = name.rpartition(" is ")
        if kind == "missing":
            return rows[column].isna()
        known = [one.partition("=")[2] for one in self.inputs if one.startswith(f"{column}=")]
        return ~rows[column].isna() & ~rows[column].isin(known)

    def scores(self, found: np.ndarray) -> np.ndarray:
        """Return the scores without the place of the label, which some models give at the end."""
        return found[:, : len(self.outputs)]

    def labels(self, found: np.ndarray) -> np.ndarray:
        """Return the label of each row; several are joined by a plus."""
        names, scores = np.array(self.outputs), np.nan_to_num(self.scores(found), nan=-np.inf)
        if self.answer == "labels":
            return np.array(["+".join(names[row > 1 / 2]) for row in scores])
        if found.shape[1] > len(names):
            return names[np.nan_to_num(found[:, -1]).astype(int)]
        return names[scores.argmax(axis=1)]


def _answers(
    connection: duckdb.DuckDBPyConnection, model_id: str, rows: list[list[float | None]]
) -> np.ndarray:
    """Return the answers of a model in SQL, a row for each; NaN where it gives NULL."""
    query = "select onnx_predict(?, row) from (select unnest(?) as row)"
    found = connection.execute(query, [model_id, rows]).fetchall()
    width = max((len(scores) for (scores,) in found if scores is not None), default=1)
    return np.array([[np.nan] * width if scores is None else scores for (scores,) in found])


def _source(subject: Subject, stored: _Stored, scores: np.ndarray) -> tuple[str, np.ndarray]:
    """Return the name and the values of those answers of the source that the scores are.

    One number of a classifier of two classes may be stored as a score for each of them, and a label
    without scores as 1 for the label and 0 for the others.
    """
    found = {}
    if subject.predict is not None and stored.answer == "label":
        is_label = subject.predict(subject.unseen)[:, None] == np.array(stored.outputs)
        found["label"] = is_label.astype(float)
    for name, answer in subject.answers.items():
        try:
            own = answer(subject.unseen)
        except (AttributeError, TypeError, ValueError):
            continue  # such as labels that are no numbers
        is_one_of_two = name == "decision_function" and own.shape[1] < scores.shape[1] == 2
        found[name] = np.hstack([-own, own]) if is_one_of_two else own
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
    subject: Subject, stored: _Stored, found: np.ndarray, expected: np.ndarray
) -> int | None:
    """Return the number of rows with another label than the source predicts.

    A row that is equally close to two labels within TOLERANCE is not counted.
    """
    if subject.predict is None or len(stored.outputs) == 1:
        return None
    if stored.answer == "labels":
        margin = np.abs(expected - 1 / 2).min(axis=1)
    else:
        second, best = np.sort(expected, axis=1)[:, -2:].T
        margin = (best - second) / np.maximum(1, np.abs(best))
    is_other = stored.labels(found) != subject.predict(subject.unseen)
    return int((is_other & (margin > TOLERANCE)).sum())
