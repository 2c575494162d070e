"""What a task declares: its rows, columns, label and algorithms. Read by `reading`."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Input:
    """An input computed from a column; in its SQL {{ value }} stands for the column."""

    name: str
    sql: str
    description: str


@dataclass(frozen=True)
class Column:
    """A column of an entity and argument of functions, see tasks/columns.yml."""

    name: str
    type: str
    description: str
    missing: int | None = None
    vocabulary: str | None = None
    inputs: tuple[Input, ...] = ()
    range: tuple[float, float] | None = None
    unit: str = ""
    digits: int = 2
    from_track: str | None = None

    @property
    def input_names(self) -> tuple[str, ...]:
        """The model inputs that the column becomes."""
        return tuple(one.name for one in self.inputs) or (self.name,)


@dataclass(frozen=True)
class Entity:
    """What a task's rows are, such as a track, and the relation that has them."""

    name: str
    source: str
    relation: str
    key: str
    key_description: str
    mart: str
    predictions: str
    rows: str
    after_release: tuple[str, ...]
    columns: Mapping[str, Column]
    examples: str | None = None
    scored: str | None = None


@dataclass(frozen=True)
class Label:
    """What a model learns: a column of the feature table, computed from the entity's relation."""

    name: str
    sql: str
    description: str


@dataclass(frozen=True)
class Derived:
    """A function computed from a prediction; in its SQL {{ answer }} stands for the prediction."""

    name: str
    sql: str
    answers: str


@dataclass(frozen=True)
class Task:
    """The attributes that all tasks have.

    Attributes:
        name: name of the task.
        answers: what the task predicts, as a clause.
        source: the raw source of its rows.
        algorithms: hyperparameters by algorithm; each is a candidate.
        definition: the dbt variable behind each key of the definition.
        example: a query to try.
        comment: the comment at the head of its file.
    """

    name: str
    answers: str
    source: str
    algorithms: Mapping[str, dict]
    definition: Mapping[str, str]
    example: str
    comment: str


@dataclass(frozen=True)
class TabularTask(Task):
    """A task on a table of examples, with known algorithms and generated functions."""

    entity: Entity
    kind: str
    arguments: tuple[Column, ...]
    label: Label
    metric: str
    labels: tuple[str, ...] = ()
    search: Mapping[str, dict] = field(default_factory=dict)
    prediction: str = ""
    derived: tuple[Derived, ...] = ()

    @property
    def inputs(self) -> tuple[str, ...]:
        """The inputs of the task's models, in order."""
        return tuple(name for column in self.arguments for name in column.input_names)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the scores of the task's models, in order."""
        return {"regression": (self.name,), "binary": ("false", "true")}.get(self.kind, self.labels)

    @property
    def vocabulary(self) -> str | None:
        """The vocabulary of the argument that is a list of strings, if the task has one."""
        return next((one.vocabulary for one in self.arguments if one.vocabulary), None)


@dataclass(frozen=True)
class SpecialTask(Task):
    """A task with its own Python and SQL, in the folder `code`."""

    code: str
    predictions: tuple[str, ...]
    inputs_of: str | None = None
    changeable: tuple[Column, ...] = ()


@dataclass(frozen=True)
class Rows:
    """The present rows of a registered task.

    Attributes:
        relation: a dbt model, or schema and name of another table.
        key: the column that identifies a row.
        label: the column with the right answers, if there is one.
        predictions: the table of stored predictions, if there is one.
    """

    relation: str
    key: str
    label: str | None = None
    predictions: str | None = None


@dataclass(frozen=True)
class RegisteredTask:
    """A task whose models are registered, not trained here.

    Attributes:
        name: name of the task.
        answers: what the task predicts, as a clause.
        kind: what the scores of its models mean: number, numbers, label or labels.
        outputs: the names of the scores in order.
        arguments: the type of each argument of its functions, by name.
        rows: the rows to watch, if they are known.
    """

    name: str
    answers: str
    kind: str
    outputs: tuple[str, ...]
    arguments: Mapping[str, str]
    rows: Rows | None = None

    @property
    def is_boolean(self) -> bool:
        """Whether the task answers true or false."""
        return self.kind == "label" and self.outputs == ("false", "true")


@dataclass(frozen=True)
class Declarations:
    """All declarations, with the tasks in the order of their file names."""

    entities: Mapping[str, Entity]
    tasks: tuple[Task, ...]
    registered: tuple[RegisteredTask, ...] = ()

    @property
    def tabular(self) -> list[TabularTask]:
        """The tasks whose functions, features and training are generated."""
        return [task for task in self.tasks if isinstance(task, TabularTask)]

    @property
    def special(self) -> list[SpecialTask]:
        """The tasks with their own code."""
        return [task for task in self.tasks if isinstance(task, SpecialTask)]
