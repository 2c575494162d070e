"""What a task is: the contract between its feature table, its candidates and its metric.

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
        name: the task's name everywhere: feature table, functions, registry.
        kind: what the label is: a number, a boolean, or one of several texts.
        entity: table whose rows are scored; its functions take such a row.
        key: column that identifies a row of the feature table.
        inputs: feature columns, in the order of the model's input. A column that is a list is a
            one-hot group: one number for each member of a vocabulary.
        label: label column.
        outputs: names of the scores in order; the labels of a classification.
        metric: the metric that picks the champion, a key of `models_py.metrics.METRICS`.
        algorithms: the candidates of each training.
        search: bounds of hyperparameters that differ from `models_py.spaces`, by algorithm.
        example: a query to try.
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
# Every task that has a table of models.
TRAINED = (*TASKS, *declared.SPECIAL)
