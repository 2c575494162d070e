"""The functions and the table of predictions of a task whose models are registered."""

from collections.abc import Iterator
from dataclasses import dataclass

from hitparade.generate.declarations import RegisteredTask, Rows
from hitparade.generate.properties.columns import nullable
from hitparade.generate.properties.functions import EXPLANATION, FINDINGS
from hitparade.generate.properties.wording import capital

ALGORITHM = {
    "name": "algorithm",
    "data_type": "varchar",
    "description": "Name of the algorithm, as in ml.model_versions.",
}
OUTPUT = {
    "name": "output",
    "data_type": "varchar",
    "description": "The score to explain, by its name.",
}


TYPES = {"double": "number", "varchar": "text"}


@dataclass(frozen=True)
class Function:
    """A function of a task.

    Attributes:
        template: its template in templates/registered.
        name: its name.
        type: what it returns.
        returned: a sentence about that.
        says: its description.
        first: its arguments before those of the task.
    """

    template: str
    name: str
    type: str
    returned: str
    says: str
    first: tuple[dict, ...] = ()


def properties(task: RegisteredTask) -> dict:
    """Return the properties of a task's functions."""
    given = [
        {"name": name, "data_type": type, "description": f"The {TYPES[type]} {name}."}
        for name, type in task.arguments.items()
    ]
    return {
        "functions": [
            {
                "name": function.name,
                "description": function.says + _by_row(function, len(given)),
                "arguments": [*function.first, *given],
                "returns": {"data_type": function.type, "description": function.returned},
            }
            for function in functions_of(task)
        ]
    }


def _by_row(function: Function, count: int) -> str:
    """Return the sentence about the form by row; for one argument there is none."""
    if count == 1:
        return ""
    arguments = ", ".join([*(one["name"] for one in function.first), "t"])
    return f" Also by row, {function.name}({arguments}), where t has columns of these names."


def functions_of(task: RegisteredTask) -> Iterator[Function]:
    """Yield the functions of a task."""
    name, clause = task.name, f"{task.answers}."
    answer, returned = _answer(task)
    says = f"The champion's prediction: {clause}"
    yield Function("predict", f"predict_{name}", answer, returned, says)
    says = f"The prediction of an algorithm's newest model with the champion's inputs: {clause}"
    yield Function("predict_by", f"predict_{name}_by", answer, returned, says, (ALGORITHM,))
    if task.kind in ("label", "labels"):
        yield _proba(task)
    says = (
        f"What is wrong or unusual in a row for predict_{name}: values that are missing, not "
        "finite, outside the range seen in training, or texts that the model does not know."
    )
    yield Function("check", f"check_{name}", "varchar[]", FINDINGS, says)
    says = f"The encoded inputs of the champion of task {name}, for onnx_predict."
    returned = "The encoded inputs in order, see ml.model_versions."
    yield Function("encode", f"encode_{name}", "double[]", returned, says)
    says = (
        "The contribution of each input to a score of the champion: Shapley values against rows "
        "that it was registered with. The contributions add up to the score."
    )
    returned = "A list of structs (rank, feature, contribution); rank 0 is the average."
    first = (OUTPUT,) if task.kind in ("numbers", "labels") else ()
    yield Function("explain", f"explain_{name}", EXPLANATION, returned, says, first)


def _proba(task: RegisteredTask) -> Function:
    name = f"predict_{task.name}_proba"
    if task.is_boolean:
        says = f"The champion's probability, or score, that it is true: {task.answers}."
        return Function("predict_proba", name, "double", "One number.", says)
    says = f"The champion's score of each label: {task.answers}."
    return Function("predict_proba", name, _struct(task), "One number for each label.", says)


def _answer(task: RegisteredTask) -> tuple[str, str]:
    """Return the type of a task's prediction, and a sentence about it."""
    if task.is_boolean:
        return "boolean", "True or false."
    return {
        "number": ("double", f"{capital(task.answers)}."),
        "numbers": (_struct(task), "One number for each output."),
        "label": ("varchar", f"One of {', '.join(task.outputs)}."),
        "labels": ("varchar[]", f"Any of {', '.join(task.outputs)}."),
    }[task.kind]


def _struct(task: RegisteredTask) -> str:
    fields = (f'"{output.replace(chr(34), chr(34) * 2)}" double' for output in task.outputs)
    return f"struct({', '.join(fields)})"


def predictions(task: RegisteredTask, rows: Rows) -> dict:
    """Return the properties of a task's table of predictions."""
    type, _ = _answer(task)
    scored = f"Id of the champion of {task.name} that scored the row; NULL if it had none."
    hashed = "md5 of the inputs: a changed row is scored again."
    key = {"name": rows.key, "description": f"Key of {rows.relation}."}
    model = {
        "name": rows.predictions,
        "description": f"One row for each row of {rows.relation}, with the champion's prediction.",
        # The type of the key is that of the relation.
        "config": {"contract": {"enforced": False}},
        "columns": [
            key | {"data_tests": ["unique", "not_null"]},
            nullable(task.name, type, f"{capital(task.answers)}, by the champion."),
            nullable(f"{task.name}_model_id", "varchar", scored),
            nullable("inputs_hash", "varchar", hashed),
            nullable("predicted_at", "timestamp", "Time of the prediction, in UTC."),
        ],
    }
    return {"models": [model]}
