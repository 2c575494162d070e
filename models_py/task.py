"""What a task is: the contract between its feature table, its candidates and its metric."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sklearn.base import BaseEstimator

Kind = Literal["regression", "binary", "multiclass"]
Algorithm = Callable[[Mapping[str, Any]], BaseEstimator]


@dataclass(frozen=True)
class Task:
    """A learning problem over one feature table.

    Attributes:
        name: the task's name everywhere: feature table, functions, registry.
        kind: what the label is: a number, a boolean, or one of several texts.
        entity: table whose rows are scored; its functions take such a row.
        key: column that identifies a row of the feature table.
        inputs: feature columns, in the order of the model's input. A column that is a list is a
            block: one number for each member of a vocabulary.
        label: label column.
        outputs: names of the scores in order; the labels of a classification.
        metric: the metric that picks the champion, a key of `models_py.metrics.METRICS`.
        algorithms: for each algorithm a function from its hyperparameters to an estimator.
    """

    name: str
    kind: Kind
    entity: str
    key: str
    inputs: tuple[str, ...]
    label: str
    outputs: tuple[str, ...]
    metric: str
    algorithms: Mapping[str, Algorithm]
