"""`hitparade function`: declare a task whose models are registered."""

from pathlib import Path

import duckdb
import yaml

from models_py.columns import group
from udfs import ModelError

# The inputs and outputs of the task's champion, else of its newest model.
MODEL = """
    select
        versions.inputs,
        versions.outputs,
        versions.answer,
        versions.feature_fingerprint is not null as has_examples,
        bool_or(versions.origin = 'trained') over () as is_trained
    from ml.model_versions as versions
    left join ml.champions as champions
        on versions.task = champions.task and versions.model_id = champions.model_id
    where versions.task = ?
    order by champions.model_id is null, versions.trained_at desc
    limit 1
"""
HEAD = "# A task whose models are registered, see docs/own-models.md.\n"


def declare(
    connection: duckdb.DuckDBPyConnection, task: str, folder: Path, rows: dict[str, str]
) -> tuple[Path, bool]:
    """Write the declaration of a task whose models were registered.

    Return its file, and whether the model has examples.

    Args:
        connection: the database with the models.
        task: name of the task.
        folder: the folder tasks of the project.
        rows: what is known of its present rows: relation, key, label and predictions.

    Raises:
        ModelError: the task has no model, rows lack a key, or the file exists.
    """
    found = connection.execute(MODEL, [task]).fetchall()
    if not found:
        raise ModelError(f"task {task} has no model: register one with `hitparade register`")
    ((inputs, outputs, answer, has_examples, is_trained),) = found
    if is_trained:
        raise ModelError(
            f"task {task} is trained in this project: change tasks/{task}.yml, then run "
            "`hitparade generate`"
        )
    if rows and not {"relation", "key"} <= rows.keys():
        raise ModelError("the rows of a task need both --rows and --key")
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
        "arguments": _arguments([entry["name"] for entry in inputs]),
    } | ({"rows": rows} if rows else {})
    text = yaml.safe_dump(declared, sort_keys=False, width=110, allow_unicode=True)
    file.write_text(HEAD + text, encoding="utf-8")
    return file, has_examples


def _arguments(inputs: list[str]) -> dict[str, str]:
    """Return the type of each argument: a number, or the text of a one-hot group."""
    return {group(name) or name: "varchar" if group(name) else "double" for name in inputs}
