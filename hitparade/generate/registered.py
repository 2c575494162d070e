"""`hitparade function`: write the dbt files of a registered model's functions."""

from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import yaml

from hitparade.generate.names import is_sql_name
from models_py.columns import group
from udfs import ModelError

# The inputs and outputs of the task's champion, else of its newest model.
MODEL = """
    select
        versions.inputs,
        versions.outputs,
        versions.answer,
        bool_or(versions.origin = 'trained') over () as is_trained
    from ml.model_versions as versions
    left join ml.champions as champions
        on versions.task = champions.task and versions.model_id = champions.model_id
    where versions.task = ?
    order by champions.model_id is null, versions.trained_at desc
    limit 1
"""
FILE = """-- depends_on: {{{{ function('{needs}') }}}}
{{% call({given}) {overloads} %}}
{body}
{{% endcall %}}
"""


@dataclass(frozen=True)
class _Argument:
    """An argument of the functions: a number, or the text of a one-hot group."""

    name: str
    type: str


@dataclass(frozen=True)
class _Function:
    name: str
    needs: str
    body: str
    returns: str
    description: str
    answer: str


def write(connection: duckdb.DuckDBPyConnection, task: str, folder: Path) -> list[Path]:
    """Write the functions of a task whose models were registered, and return their files.

    Raises:
        ModelError: the task has no model, a name is not valid in SQL, or the functions exist.
    """
    found = connection.execute(MODEL, [task]).fetchall()
    if not found:
        raise ModelError(f"task {task} has no model: register one with `hitparade register`")
    ((inputs, outputs, answer, is_trained),) = found
    if is_trained:
        raise ModelError(
            f"task {task} is trained in this project: change tasks/{task}.yml, then run "
            "`hitparade generate`"
        )
    arguments = _arguments([entry["name"] for entry in inputs])
    names = [argument.name for argument in arguments]
    _check_names([task, *names])
    functions = _functions(task, outputs, answer)
    texts = {folder / f"{f.name}.sql": _sql(f, task, names) for f in functions}
    texts[folder / f"_{task}.yml"] = _yaml(functions, arguments)
    if present := [path for path in texts if path.exists()]:
        files = ", ".join(map(str, present))
        raise ModelError(f"task {task} already has functions in {files}: delete these files first")
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    return list(texts)


def _arguments(inputs: list[str]) -> list[_Argument]:
    """Return an argument for each number and for each one-hot group."""
    found = {}
    for name in inputs:
        column = group(name)
        found[column or name] = _Argument(column or name, "varchar" if column else "double")
    return list(found.values())


def _check_names(names: list[str]) -> None:
    for name in names:
        if not is_sql_name(name):
            raise ModelError(
                f"{name!r} cannot be the name of a SQL argument: promote a model whose input names "
                "have only lowercase letters, digits and underscores, and are no keywords, nor "
                "t, which is the row, nor algorithm"
            )


def _functions(task: str, outputs: list[str], answer: str) -> list[_Function]:
    check = _Function(
        f"check_{task}",
        "check_features",
        f"check_features({{{{ champion('{task}') }}}}, {{{{ inputs }}}})",
        "varchar[]",
        f"What is wrong or unusual in a row for predict_{task}: values that are missing, not "
        "finite, outside the range seen in training, or texts that the model does not know.",
        "One sentence for each finding; an empty list if there is none.",
    )
    model = f"the champion of task {task}"
    return [*_predictions(f"predict_{task}", outputs, answer, model), check]


def _predictions(name: str, outputs: list[str], answer: str, model: str) -> list[_Function]:
    labels = "[" + ", ".join(map(repr, outputs)) + "]"
    struct = ", ".join('"' + label.replace('"', '""') + '" double' for label in outputs)
    proba = _Function(
        f"{name}_proba",
        "onnx_predict",
        f"{{{{ by_label({labels}, scores) }}}}",
        f"struct({struct})",
        f"The scores of all labels by {model}.",
        "One number for each label.",
    )
    one_of = f"{', '.join(outputs)}."
    if answer == "number":
        says = f"The prediction of {model}."
        return [_Function(name, "onnx_predict", "{{ scores }}[1]", "double", says, outputs[0])]
    if answer == "numbers":
        return [replace(proba, name=name, description=f"The predictions of {model}.")]
    if answer == "labels":
        body = f"{{{{ labels_of({labels}, scores) }}}}"
        says = f"The labels by {model}."
        found = _Function(name, "onnx_predict", body, "varchar[]", says, f"Any of {one_of}")
        return [found, proba]
    label = f"{{{{ label_of({labels}, scores) }}}}"
    if outputs == ["false", "true"]:
        body, says = f"cast({label} as boolean)", f"Whether it is so, by {model}."
        chance = f"The probability, or the score, that it is so, by {model}."
        return [
            _Function(name, "onnx_predict", body, "boolean", says, "True or false."),
            replace(proba, body="{{ scores }}[2]", returns="double", description=chance),
        ]
    says = f"The label by {model}."
    return [_Function(name, "onnx_predict", label, "varchar", says, f"One of {one_of}"), proba]


def _sql(function: _Function, task: str, names: list[str]) -> str:
    is_scored = function.needs == "onnx_predict"
    overloads = f"{'scored' if is_scored else 'encoded'}_overloads({task!r}, {names})"
    given = "scores" if is_scored else "inputs"
    return FILE.format(needs=function.needs, given=given, overloads=overloads, body=function.body)


def _yaml(functions: list[_Function], arguments: list[_Argument]) -> str:
    by_row = (
        ""
        if len(arguments) == 1
        else " Also by row, {name}(t), where t has columns of these names."
    )
    entries = [
        {
            "name": function.name,
            "description": function.description + by_row.format(name=function.name),
            "arguments": [
                {"name": one.name, "data_type": one.type, "description": f"The input {one.name}."}
                for one in arguments
            ],
            "returns": {"data_type": function.returns, "description": function.answer},
        }
        for function in functions
    ]
    return yaml.safe_dump({"functions": entries}, sort_keys=False, width=110, allow_unicode=True)
