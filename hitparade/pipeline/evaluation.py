"""`hitparade evaluate`: the labelled rows of a task whose models are registered."""

from pathlib import Path
from typing import Any

import duckdb

from hitparade.generate.reading import declared_rows
from models_py.columns import group
from udfs import ModelError
from udfs.identifiers import quoted

# The registered champion of a task, or the registered models of an id: it may be in several tasks.
FOUND = """
    select versions.task, versions.model_id, versions.inputs, versions.outputs, versions.answer
    from ml.model_versions as versions
    left join ml.champions as champions
        on versions.task = champions.task and versions.model_id = champions.model_id
    where
        versions.origin = 'registered'
        and (versions.model_id = $name or (versions.task = $name and champions.task is not null))
    qualify row_number() over (partition by versions.task order by versions.version desc) = 1
"""


def labelled(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    name: str,
    rows: str | None,
    label: str | None,
) -> tuple[str, str, Any, list]:
    """Return task and id of a model, the rows to evaluate it on as a data frame, and their labels.

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
    found = connection.execute(FOUND, {"name": name}).fetchall()
    if not found:
        raise ModelError(
            f"{name} is no registered model, nor a task with a registered champion: see "
            "`hitparade models`. A build evaluates the models that it trains"
        )
    if len(found) > 1:
        tasks = ", ".join(task for task, *_ in found)
        raise ModelError(f"model {name} is in the tasks {tasks}: promote it, and give one of them")
    ((task, model_id, inputs, outputs, answer),) = found
    if not (rows and label):
        declared = declared_rows(folder / f"{task}.yml")
        rows = rows or (declared.relation if declared else None)
        label = label or (declared.label if declared else None)
    if rows is None or (label is None and answer != "numbers"):
        raise ModelError(
            f"the labelled rows of task {task} are not known: give --rows and --label, or declare "
            f"them in tasks/{task}.yml"
        )
    columns = [*dict.fromkeys(group(entry["name"]) or entry["name"] for entry in inputs)]
    labels = [label] if label else outputs
    wanted = [*dict.fromkeys([*columns, *labels])]
    listed = ", ".join(map(quoted, wanted))
    relation = ".".join(quoted(part) for part in rows.split("."))
    try:
        table: Any = connection.sql(f"select {listed} from {relation}").to_arrow_table()
    except duckdb.Error as error:
        raise ModelError(f"the rows of {rows} cannot be read: {error}") from error
    table = table.rename_columns(wanted)  # DuckDB gives the spelling of the table
    values = zip(*(table[column].to_pylist() for column in labels), strict=True)
    right = [row[0] if label else list(row) for row in values]
    return task, model_id, table.select(columns).to_pandas(), right
