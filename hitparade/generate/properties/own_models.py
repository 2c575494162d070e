"""The functions and the table of predictions of a task whose models are registered."""

from collections.abc import Iterator

from hitparade.generate.declarations import RegisteredTask
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


def functions(task: RegisteredTask) -> dict:
    """Return the properties of a task's functions."""
    given = [
        {"name": name, "data_type": type, "description": f"The input {name}."}
        for name, type in task.arguments.items()
    ]
    return {
        "functions": [
            {
                "name": name,
                "description": says + _by_row(name, extra, len(given)),
                "arguments": [*extra, *given],
                "returns": {"data_type": type, "description": returned},
            }
            for name, extra, type, returned, says in _functions(task)
        ]
    }


def _by_row(name: str, extra: list[dict], count: int) -> str:
    """Return the sentence about the form by row; for one argument there is none."""
    if count == 1:
        return ""
    first = "".join(f"{one['name']}, " for one in extra)
    return f" Also by row, {name}({first}t), where t has columns of these names."


def _functions(task: RegisteredTask) -> Iterator[tuple[str, list[dict], str, str, str]]:
    """Yield name, first arguments, type, what is returned and description of each function."""
    name, has_proba = task.name, task.kind in ("label", "labels")
    answer, returned = _answer(task)
    clause = f"{task.answers}."
    yield f"predict_{name}", [], answer, returned, f"The champion's prediction: {clause}"
    says = f"The prediction of an algorithm's newest model: {clause}"
    yield f"predict_{name}_by", [ALGORITHM], answer, returned, says
    if has_proba and task.is_boolean:
        says = f"The champion's probability, or score, that it is true: {clause}"
        yield f"predict_{name}_proba", [], "double", "One number.", says
    elif has_proba:
        says = f"The champion's score of each label: {clause}"
        yield f"predict_{name}_proba", [], _struct(task), "One number for each label.", says
    says = (
        f"What is wrong or unusual in a row for predict_{name}: values that are missing, not "
        "finite, outside the range seen in training, or texts that the model does not know."
    )
    yield f"check_{name}", [], "varchar[]", FINDINGS, says
    says = f"The encoded inputs of the champion of task {name}, for onnx_predict."
    returned = "The encoded inputs in order, see ml.model_versions."
    yield f"encode_{name}", [], "double[]", returned, says
    says = (
        "The contribution of each input to a score of the champion: Shapley values against rows "
        "that it was registered with. The contributions add up to the score."
    )
    returned = "A list of structs (rank, feature, contribution); rank 0 is the average."
    output = [OUTPUT] if task.kind in ("numbers", "labels") else []
    yield f"explain_{name}", output, EXPLANATION, returned, says


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


def predictions(task: RegisteredTask) -> dict:
    """Return the properties of a task's table of predictions."""
    rows = task.rows
    assert rows and rows.predictions
    kept = f"Id of the champion of {task.name} that scored the row; NULL if it had none."
    columns = [
        nullable(rows.key, "", f"Key of {rows.relation}.") | {"data_tests": ["unique", "not_null"]},
        nullable(task.name, "", f"{capital(task.answers)}, by the champion."),
        nullable(f"{task.name}_model_id", "", kept),
        nullable("inputs_hash", "", "md5 of the inputs: a changed row is scored again."),
        nullable("predicted_at", "", "Time of the prediction, in UTC."),
    ]
    model = {
        "name": rows.predictions,
        "description": f"One row for each row of {rows.relation}, with the champion's prediction.",
        # The type of the key is that of the relation.
        "config": {"contract": {"enforced": False}},
        "columns": [{k: v for k, v in column.items() if v} for column in columns],
    }
    return {"models": [model]}
