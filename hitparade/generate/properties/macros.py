"""The generated macros: arguments and descriptions."""

from typing import Any

from hitparade.generate.declarations import Declarations, SpecialTask, TabularTask


def properties(declared: Declarations) -> dict:
    """Return the descriptions of the generated macros."""
    row = {"name": "row", "type": "string", "description": "Prefix of the row, such as `t.`."}
    value = {"name": "value", "type": "string", "description": "SQL expression of the column."}
    activation = {"name": "activation", "type": "string", "description": "Name of the operator."}
    values = {"name": "values", "type": "string", "description": "SQL expression of the list."}
    promotion = [
        {"name": "task", "type": "string", "description": "Name of the task."},
        {"name": "model_id", "type": "string", "description": "Id of the model."},
        {"name": "reason", "type": "string", "description": "Reason, for ml.promotions."},
        {"name": "is_pinned", "type": "boolean", "description": "True to pin the task."},
    ]
    transform = {"name": "transform", "type": "string", "description": "Name of the transform."}
    numbers = {"name": "numbers", "type": "string", "description": "SQL expression of the row."}
    entries = [
        _macro("tasks", "Every task: encoder, raw source, tables of predictions."),
        _macro("registered_tasks", "The tasks whose models are registered, and their rows."),
        _macro("entities", "The entities of tabular tasks: relation, key, training rows."),
        _macro("registry_types", "The columns of the registry and their types."),
        _macro("sql_backend_types", "The parts of a model's parameters for the SQL backend."),
        _macro("registry_format", "The number of the registry's format."),
        _macro("next_promotion_at", "The time of a promotion, later than all earlier promotions."),
        _macro("insert_promotion", "The statement that records a promotion by hand.", *promotion),
        _macro("stale_functions", "The query of the functions whose stamps changed."),
        _macro(
            "record_function",
            "The statement that records the creation of a function.",
            {"name": "name", "type": "string", "description": "Schema and name of the function."},
            {"name": "statement", "type": "string", "description": "The executed statement."},
        ),
        _macro("renew_served_models", "The statements that renew ml.served_models."),
        _macro("activated", "The values after a layer's activation.", activation, values),
        _macro("computed_step", "What a step computes from the numbers of a row.", numbers),
        _macro("computed_step_before_trees", "The same for a step before trees.", numbers),
        _macro("answered", "The answer of a model from its raw scores `s`.", transform),
        _macro("answer_text", "The SQL of `answered` as text, for one transform.", transform),
    ]
    for task in declared.tasks:
        if isinstance(task, TabularTask) or (isinstance(task, SpecialTask) and task.inputs_of):
            says = f"The inputs of task {task.name}, in the order of its models."
            entries.append(_macro(f"encode_{task.name}", says, row))
        if isinstance(task, SpecialTask) and task.changeable:
            says = f"The audio features of a track that {task.name} may change."
            entries.append(_macro("audio_inputs", says, row))
            says = f"The features {task.name} may change: name, low, high, digits and unit."
            entries.append(_macro("changeable", says))
    for entity in declared.entities.values():
        for column in entity.columns.values():
            for one in column.inputs:
                entries.append(_macro(f"{entity.name}_{one.name}", one.description, value))
    return {"macros": entries}


def _macro(name: str, description: str, *arguments: dict) -> dict:
    found: dict[str, Any] = {"name": name, "description": description}
    return found | ({"arguments": list(arguments)} if arguments else {})
