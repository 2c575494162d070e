"""`hitparade function`: declare a task whose models are registered."""

from pathlib import Path
from typing import Any

import duckdb
import yaml

from hitparade.generate.names import is_sql_name
from hitparade.generate.reading import declared_rows
from models_py.columns import group
from udfs import ModelError
from udfs.identifiers import quoted

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
EVALUATED = """
    select versions.task, versions.model_id, versions.inputs, versions.outputs, versions.answer
    from ml.model_versions as versions
    left join ml.champions as champions
        on versions.task = champions.task and versions.model_id = champions.model_id
    where
        versions.origin = 'registered'
        and (versions.model_id = $name or (versions.task = $name and champions.task is not null))
    order by versions.version desc
    limit 1
"""
HEAD = "# A task whose models are registered, see docs/own-models.md.\n"


def declare(
    connection: duckdb.DuckDBPyConnection, task: str, folder: Path, rows: dict[str, str]
) -> Path:
    """Write the declaration of a task whose models were registered, and return its file.

    Args:
        connection: the database with the models.
        task: name of the task.
        folder: the folder tasks of the project.
        rows: what is known of its present rows: relation, key, label and predictions.

    Raises:
        ModelError: the task has no model, a name is not valid in SQL, or the file exists.
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
    if rows and not {"relation", "key"} <= rows.keys():
        raise ModelError("the rows of a task need both --rows and --key")
    arguments = _arguments([entry["name"] for entry in inputs])
    _check_names([task, *arguments])
    file = folder / f"{task}.yml"
    if file.exists():
        raise ModelError(
            f"task {task} already has a declaration, {file}: change it, then run "
            "`hitparade generate`"
        )
    declared = {
        "task": task,
        "answers": f"the answer of task {task}",
        "kind": answer,
        "outputs": outputs,
        "arguments": arguments,
    } | ({"rows": rows} if rows else {})
    text = yaml.safe_dump(declared, sort_keys=False, width=110, allow_unicode=True)
    file.write_text(HEAD + text, encoding="utf-8")
    return file


def labelled(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    name: str,
    rows: str | None,
    label: str | None,
) -> tuple[str, Any, list]:
    """Return a registered model, the rows to evaluate it on as a data frame, and their labels.

    Args:
        connection: the database with the model and the rows.
        folder: the folder tasks of the project.
        name: a model_id, or a task for its champion.
        rows: the table of the rows; by default that of the task's declaration.
        label: its column with the labels; by default that of the declaration.

    Raises:
        ModelError: there is no such model, the rows are not known, or they lack a column.
        DeclarationError: the declaration is wrong.
    """
    found = connection.execute(EVALUATED, {"name": name}).fetchall()
    if not found:
        raise ModelError(
            f"{name} is no registered model, nor a task with a registered champion: see "
            "`hitparade models`. A build evaluates the models that it trains"
        )
    ((task, model_id, inputs, outputs, answer),) = found
    file = folder / f"{task}.yml"
    declared = declared_rows(file) if file.is_file() else None
    rows = rows or (declared.relation if declared else None)
    label = label or (declared.label if declared else None)
    if rows is None or (label is None and answer != "numbers"):
        raise ModelError(
            f"the labelled rows of task {task} are not known: give --rows and --label, or declare "
            f"them in tasks/{task}.yml"
        )
    columns = list(_arguments([entry["name"] for entry in inputs]))
    labels = [label] if label else outputs
    listed = ", ".join(f"{quoted(column)}" for column in dict.fromkeys([*columns, *labels]))
    try:
        query = f"select {listed} from {'.'.join(map(quoted, rows.split('.')))}"
        table: Any = connection.sql(query).to_arrow_table()
    except duckdb.Error as error:
        raise ModelError(f"the rows of {rows} cannot be read: {error}") from error
    values = zip(*(table[name].to_pylist() for name in labels), strict=True)
    features = table.select(columns).to_pandas()
    return model_id, features, [row[0] if label else list(row) for row in values]


def _arguments(inputs: list[str]) -> dict[str, str]:
    """Return the type of each argument: a number, or the text of a one-hot group."""
    return {group(name) or name: "varchar" if group(name) else "double" for name in inputs}


def _check_names(names: list[str]) -> None:
    for name in names:
        if not is_sql_name(name):
            raise ModelError(
                f"{name!r} cannot be the name of a SQL argument: promote a model whose input names "
                "have only lowercase letters, digits and underscores, and are no keywords, nor "
                "t, which is the row, nor algorithm"
            )
