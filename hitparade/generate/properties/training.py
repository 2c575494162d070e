"""The training models: hyperparameters, definitions and columns."""

from hitparade.generate.declarations import Declarations, Task
from hitparade.generate.docs import registry_docs


def properties(declared: Declarations) -> dict:
    """Return the properties of all training models: hyperparameters, definition, columns."""
    columns = [{"name": name, "description": says} for name, says in registry_docs().items()]
    registered = (
        "One row for each registered model. Columns that only training fills are NULL. Never "
        "fully refreshed."
    )
    table = {"name": "registered_models", "description": registered, "columns": columns}
    return {
        "models": [_trained(task, columns) for task in declared.tasks],
        "sources": [{"name": "ml", "schema": "ml", "tables": [table]}],
    }


def _trained(task: Task, columns: list[dict]) -> dict:
    definition = {key: f"{{{{ var('{name}') }}}}" for key, name in task.definition.items()}
    says = (
        f"One row for each model ever trained for {task.name}, which predicts {task.answers}, and "
        "for each training that was refused. Rows are only appended. A build on unchanged features "
        "and hyperparameters adds none, and a full refresh keeps them."
    )
    return {
        "name": f"train_{task.name}",
        "description": says,
        "config": {
            "materialized": "incremental",
            "incremental_strategy": "append",
            "full_refresh": False,
            "on_schema_change": "append_new_columns",
            "meta": {"algorithms": dict(task.algorithms), "definition": definition},
        },
        "columns": columns,
    }
