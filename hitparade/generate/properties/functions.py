"""The functions of a task: arguments, types and descriptions."""

from hitparade.generate.declarations import Column, Derived, TabularTask
from hitparade.generate.properties.wording import capital, listed
from hitparade.generate.render import functions_of

FINDINGS = "One sentence for each finding; an empty list if there is none."
EXPLANATION = "struct(rank integer, feature varchar, contribution double)[]"


def properties(task: TabularTask) -> dict:
    """Return the properties of a task's functions."""
    given = [_argument(column) for column in task.arguments]
    algorithm = {
        "name": "algorithm",
        "data_type": "varchar",
        "description": f"One of {', '.join(task.algorithms)}.",
    }
    entries = []
    for template, name, derived in functions_of(task):
        is_by = template == "predict_by"
        by_row = f"{name}(algorithm, t)" if is_by else f"{name}(t)"
        type, returned, says = FUNCTIONS[template](task, derived)
        entries.append(
            {
                "name": name,
                "description": f"{says} Also by row, {by_row}.",
                "arguments": [algorithm, *given] if is_by else given,
                "returns": {"data_type": type, "description": returned},
            }
        )
    return {"functions": entries}


def _argument(column: Column) -> dict:
    return {"name": column.name, "data_type": column.type, "description": column.description}


def _predict(task: TabularTask, derived: Derived | None) -> tuple[str, str, str]:
    return *_answer(task), f"The champion's prediction: {task.answers}."


def _predict_by(task: TabularTask, derived: Derived | None) -> tuple[str, str, str]:
    return *_answer(task), f"The prediction of an algorithm's newest model: {task.answers}."


def _answer(task: TabularTask) -> tuple[str, str]:
    """Return the type of a task's prediction, and a sentence about it."""
    if task.labels:
        return "varchar", f"{listed(task.labels)}."
    return "double", "A probability." if task.kind == "binary" else f"{capital(task.answers)}."


def _proba(task: TabularTask, derived: Derived | None) -> tuple[str, str, str]:
    struct = ", ".join(f"{_field(label)} double" for label in task.labels)
    says = f"The champion's probability of each label: {listed(task.labels)}."
    return f"struct({struct})", "A probability for each label.", says


def _field(label: str) -> str:
    """Return a label as the name of a field, in quotes if it needs them."""
    return label if label.isidentifier() else '"' + label.replace('"', '""') + '"'


def _derived(task: TabularTask, derived: Derived | None) -> tuple[str, str, str]:
    assert derived
    return "double", f"{capital(derived.answers)}.", f"From the champion: {derived.answers}."


def _check(task: TabularTask, derived: Derived | None) -> tuple[str, str, str]:
    unknown = f", and {task.vocabulary} that are unknown" if task.vocabulary else ""
    says = (
        f"What is wrong or unusual in a row for predict_{task.name}: values that are missing, "
        f"not finite or outside the range seen in training{unknown}."
    )
    return "varchar[]", FINDINGS, says


def _encode(task: TabularTask, derived: Derived | None) -> tuple[str, str, str]:
    says = f"The encoded inputs of task {task.name}, for onnx_predict and check_features."
    if task.vocabulary:
        says += f" The {task.vocabulary} are those that the champion knows."
    return "double[]", "The encoded inputs in order, see ml.model_versions.", says


def _explain(task: TabularTask, derived: Derived | None) -> tuple[str, str, str]:
    answer = (
        f"the probability of the label that predict_{task.name} returns"
        if task.labels
        else (task.answers)
    )
    says = (
        f"The contribution of each input to the champion's prediction, {answer}: Shapley values "
        "against a background of other rows. The contributions add up to the prediction. NULL if "
        "the prediction is NULL."
    )
    returned = (
        "A list of structs (rank, feature, contribution); rank 0 is the background's average."
    )
    return EXPLANATION, returned, says


FUNCTIONS = {
    "predict": _predict,
    "predict_by": _predict_by,
    "predict_proba": _proba,
    "derived": _derived,
    "check": _check,
    "encode": _encode,
    "explain": _explain,
}
