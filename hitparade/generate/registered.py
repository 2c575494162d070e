"""`hitparade function`: write the dbt files of a registered model's functions."""

from dataclasses import dataclass
from pathlib import Path

import duckdb
import yaml

from hitparade.generate.names import is_sql_name
from udfs import ModelError

# The inputs and outputs of the task's champion, else of its newest model.
MODEL = """
    select
        versions.inputs,
        versions.outputs,
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
    if found[0][2]:
        raise ModelError(
            f"task {task} is trained in this project: change tasks/{task}.yml, then run "
            "`hitparade generate`"
        )
    inputs, outputs = [entry["name"] for entry in found[0][0]], found[0][1]
    _check_names([task, *inputs])
    functions = _functions(task, outputs)
    texts = {folder / f"{f.name}.sql": _sql(f, task, inputs) for f in functions}
    texts[folder / f"_{task}.yml"] = _yaml(functions, inputs)
    if present := [path for path in texts if path.exists()]:
        names = ", ".join(map(str, present))
        raise ModelError(f"task {task} already has functions in {names}: delete these files first")
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    return list(texts)


def _check_names(names: list[str]) -> None:
    for name in names:
        if not is_sql_name(name):
            raise ModelError(
                f"{name!r} cannot be the name of a SQL argument: promote a model whose input names "
                "have only lowercase letters, digits and underscores, and are no keywords, nor "
                "t, which is the row, nor algorithm"
            )


def _functions(task: str, outputs: list[str]) -> list[_Function]:
    model = f"the champion of task {task}"
    check = _Function(
        f"check_{task}",
        "check_features",
        f"check_features({{{{ champion('{task}') }}}}, {{{{ inputs }}}})",
        "varchar[]",
        f"What is wrong or unusual in a row for predict_{task}: values that are missing, not "
        "finite or outside the range seen in training.",
        "One sentence for each finding; an empty list if there is none.",
    )
    predict = f"predict_{task}"
    if len(outputs) == 1:
        says = f"The prediction of {model}."
        return [
            _Function(predict, "onnx_predict", "{{ scores }}[1]", "double", says, outputs[0]),
            check,
        ]
    labels = "[" + ", ".join(repr(label) for label in outputs) + "]"
    struct = ", ".join('"' + label.replace('"', '""') + '" double' for label in outputs)
    return [
        _Function(
            predict,
            "onnx_predict",
            f"{{{{ likeliest({labels}, scores) }}}}",
            "varchar",
            f"The most probable label by {model}.",
            f"One of {', '.join(outputs)}.",
        ),
        _Function(
            f"{predict}_proba",
            "onnx_predict",
            f"{{{{ by_label({labels}, scores) }}}}",
            f"struct({struct})",
            f"The scores of all labels by {model}.",
            "One number for each label.",
        ),
        check,
    ]


def _sql(function: _Function, task: str, inputs: list[str]) -> str:
    if function.needs == "onnx_predict":
        given, overloads = "scores", f"scored_overloads({task!r}, {inputs})"
    else:
        given, overloads = "inputs", f"number_overloads({inputs})"
    return FILE.format(needs=function.needs, given=given, overloads=overloads, body=function.body)


def _yaml(functions: list[_Function], inputs: list[str]) -> str:
    by_row = (
        "" if len(inputs) == 1 else " Also by row, {name}(t), where t has columns of these names."
    )
    entries = [
        {
            "name": function.name,
            "description": function.description + by_row.format(name=function.name),
            "arguments": [
                {"name": name, "data_type": "double", "description": f"The input {name}."}
                for name in inputs
            ],
            "returns": {"data_type": function.returns, "description": function.answer},
        }
        for function in functions
    ]
    return yaml.safe_dump({"functions": entries}, sort_keys=False, width=110, allow_unicode=True)
