"""Tasks: the contract between a feature table, its candidates and its metric.

People declare tasks in tasks/*.yml; `hitparade generate` writes `models_py/generated/tasks.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models_py.algorithms import Kind
from models_py.generated import tasks as declared


@dataclass(frozen=True)
class Task:
    """A learning problem over one feature table.

    Attributes:
        name: the name of the task in its feature table, its functions and the registry.
        kind: regression, binary or multiclass classification.
        entity: the table whose rows are scored; the task's functions take such a row.
        key: the column that identifies a row of the feature table.
        inputs: feature columns, in the order of the model's input. A list column is a one-hot
            group: one number for each member of a vocabulary.
        label: the label column.
        outputs: names of the scores in order; for a classification, the labels.
        metric: the metric that picks the champion, a key of `models_py.metrics.METRICS`.
        algorithms: the candidates of each training.
        search: bounds of hyperparameters that differ from `models_py.spaces`, by algorithm.
        example: an example query.
    """

    name: str
    kind: Kind
    entity: str
    key: str
    inputs: tuple[str, ...]
    label: str
    outputs: tuple[str, ...]
    metric: str
    algorithms: tuple[str, ...]
    search: Mapping[str, Mapping[str, Mapping[str, float]]]
    example: str


TABULAR: Mapping[str, Mapping[str, Any]] = declared.TABULAR
TASKS = {name: Task(name=name, **facts) for name, facts in TABULAR.items()}
# Every task with a table of trained models.
TRAINED = (*TASKS, *declared.SPECIAL)
