"""A feature table as arrays, split by its column `fold`."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models_py.tasks import Task

# No stored model is trained on this fold. Models of different versions are compared on it.
HOLDOUT = 0
MIN_ROWS = 50


class TrainingError(ValueError):
    """A feature table or settings that cannot be trained on; the message says what to do."""


class SettingsError(TrainingError):
    """Settings name an unknown algorithm or hyperparameter; the message says which are known."""


@dataclass(frozen=True)
class Examples:
    """A feature table as arrays of n rows.

    Attributes:
        names: the k encoded inputs, in the order of the columns of `features`.
        groups: for each encoded input, the input of the task that it encodes. The columns of a
            one-hot group share one input.
        features: shape (n, k), float64 rounded to float32, because the ONNX graph gets float32.
        label: shape (n,): a number, or the index of the class among the task's outputs.
        fold: shape (n,).
    """

    names: tuple[str, ...]
    groups: tuple[str, ...]
    features: np.ndarray
    label: np.ndarray
    fold: np.ndarray

    def split(self, held_out: int) -> tuple["Examples", "Examples"]:
        """Return the rows outside a fold and the rows inside it."""
        inside = self.fold == held_out
        return self._take(~inside), self._take(inside)

    def _take(self, rows: np.ndarray) -> "Examples":
        return replace(
            self, features=self.features[rows], label=self.label[rows], fold=self.fold[rows]
        )


def examples(
    task: Task, table: pa.Table, vocabularies: Mapping[str, list[str]] | None = None
) -> Examples:
    """Return a feature table as arrays, sorted by its key.

    Args:
        task: the task of the feature table.
        table: columns key, pair_key, fold, inputs, label.
        vocabularies: for each input that is a one-hot group, its members in order.

    Raises:
        TrainingError: there are fewer than MIN_ROWS rows, a label is not among the task's outputs,
            a class is missing from too many folds, or a number is the same in all rows.
    """
    table = table.sort_by(task.key)
    names, groups, columns = [], [], []
    for name in task.inputs:
        members = (vocabularies or {}).get(name)
        names += [name] if members is None else [f"{name}={member}" for member in members]
        groups += [name] * (1 if members is None else len(members))
        columns.append(_columns(table[name], members))
    rows = Examples(
        tuple(names),
        tuple(groups),
        np.hstack(columns).astype(np.float32).astype(np.float64),
        _label(task, table[task.label]),
        table["fold"].to_numpy(),
    )
    _check(task, rows)
    return rows


def _columns(values: pa.ChunkedArray, members: list[str] | None) -> np.ndarray:
    if members is None:
        return values.to_numpy()[:, None]
    return pc.list_flatten(values).to_numpy().reshape(len(values), len(members))


def _label(task: Task, values: pa.ChunkedArray) -> np.ndarray:
    if task.kind == "regression":
        return values.to_numpy().astype(float)
    # The outputs of a boolean task are the texts false and true.
    classes = pc.index_in(values.cast(pa.string()), pa.array(task.outputs))
    if classes.null_count:
        raise TrainingError(
            f"task {task.name}: {task.label} is none of {', '.join(task.outputs)} in "
            f"{classes.null_count} rows of feat_{task.name}"
        )
    return classes.to_numpy().astype(int)


def _check(task: Task, rows: Examples) -> None:
    if len(rows.label) < MIN_ROWS:
        raise TrainingError(
            f"task {task.name} has {len(rows.label)} rows to train on and needs {MIN_ROWS}: "
            "see staging.quarantine for rejected rows, or add data"
        )
    if task.kind == "regression":
        check_varies(task.name, task.label, rows.label)
        return
    folds = np.unique(rows.fold)
    for index, name in enumerate(task.outputs):
        within = np.unique(rows.fold[rows.label == index])
        # ROC AUC is undefined on a fold with one class. A multiclass task needs each class in two
        # folds: one to train on and one to test on.
        needed = len(folds) if task.kind == "binary" else 2
        if len(within) < needed:
            raise TrainingError(
                f"task {task.name}: {task.label} is {name} in only {len(within)} of {len(folds)} "
                f"folds, and {needed} are needed: add data, or change the cuts in dbt_project.yml"
            )


def check_varies(task: str, label: str, values: np.ndarray) -> None:
    """Check that a label is not the same number in all rows.

    Raises:
        TrainingError: it is.
    """
    if len(values) and values.min() == values.max():
        raise TrainingError(
            f"task {task}: {label} is {values[0]:g} in all {len(values)} rows, so there is nothing "
            "to learn: add rows with other values"
        )
