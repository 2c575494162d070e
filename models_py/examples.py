"""Examples: a feature table as arrays, split by the folds that stand in it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models_py.tasks import Task

# The stored model never saw this fold, so that a later model can be compared with an earlier one
# on rows that neither was trained on.
HOLDOUT = 0
MIN_ROWS = 50


class TrainingError(ValueError):
    """A feature table that cannot be trained on; the message says why and what to do."""


@dataclass(frozen=True)
class Examples:
    """A feature table as arrays: features (n, k), label (n,), fold (n,).

    Features are float64 that float32 can hold: an estimator sees what its graph will see.
    `names` are the k encoded inputs, `blocks` the input of the task that each one belongs to. The
    label of a classification is its place among the task's outputs.
    """

    names: tuple[str, ...]
    blocks: tuple[str, ...]
    features: np.ndarray
    label: np.ndarray
    fold: np.ndarray

    def split(self, held_out: int) -> tuple["Examples", "Examples"]:
        """Return the rows outside and inside one fold."""
        inside = self.fold == held_out
        return self._take(~inside), self._take(inside)

    def _take(self, rows: np.ndarray) -> "Examples":
        return replace(
            self, features=self.features[rows], label=self.label[rows], fold=self.fold[rows]
        )


def examples(
    task: Task, table: pa.Table, vocabularies: Mapping[str, list[str]] | None = None
) -> Examples:
    """Return a feature table as arrays, in the order of its key.

    Args:
        task: whose feature table it is.
        table: key, pair_key, fold, inputs, label.
        vocabularies: for each input that is a list, what its places mean.

    Raises:
        TrainingError: too few rows, or a label that some folds lack.
    """
    table = table.sort_by(task.key)
    names, blocks, columns = [], [], []
    for name in task.inputs:
        members = (vocabularies or {}).get(name)
        names += [name] if members is None else [f"{name}={member}" for member in members]
        blocks += [name] * (1 if members is None else len(members))
        columns.append(_columns(table[name], members))
    rows = Examples(
        tuple(names),
        tuple(blocks),
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
    # A boolean is the text true or false, as its outputs are.
    places = pc.index_in(values.cast(pa.string()), pa.array(task.outputs))
    if places.null_count:
        raise TrainingError(
            f"task {task.name}: {task.label} is none of {', '.join(task.outputs)} in "
            f"{places.null_count} rows of feat_{task.name}"
        )
    return places.to_numpy().astype(int)


def _check(task: Task, rows: Examples) -> None:
    if len(rows.label) < MIN_ROWS:
        raise TrainingError(
            f"task {task.name} has {len(rows.label)} rows to train on and needs {MIN_ROWS}: "
            "see what went to staging.quarantine, or give more data"
        )
    if task.kind == "regression":
        return
    folds = np.unique(rows.fold)
    for place, name in enumerate(task.outputs):
        within = np.unique(rows.fold[rows.label == place])
        # The area under a curve of one class is not defined; several classes want one to learn
        # from and one to be tested on.
        needed = len(folds) if task.kind == "binary" else 2
        if len(within) < needed:
            raise TrainingError(
                f"task {task.name}: {task.label} is {name} in only {len(within)} of {len(folds)} "
                f"folds, and {needed} are needed: give more data, or change the cuts in "
                "dbt_project.yml"
            )
