"""The tables of predictions: the predictions, and the model that each comes from."""

from typing import Any

from hitparade.generate.declarations import Entity
from hitparade.generate.docs import doc, key_doc
from hitparade.generate.properties.columns import nullable, required
from hitparade.generate.properties.wording import capital


def properties(entity: Entity, columns: list[dict[str, Any]]) -> dict:
    """Return the properties of an entity's table of predictions."""
    tasks = list(dict.fromkeys(column["task"] for column in columns))
    says = (
        f"One row for each scored row of {entity.relation}, with the predictions and ids of the "
        "champions. A champion was trained on four fifths of the rows, so its predictions there "
        "are optimistic. Evaluate it with ml.model_metrics, or on fold 0 of the feature table."
    )
    exists = {"relationships": {"arguments": {"to": f"ref('{entity.mart}')", "field": entity.key}}}
    key = required(entity.key, "varchar", key_doc(entity))
    stamped = "Id of the champion of {} that scored the row; NULL if the task had no champion."
    model = {
        "name": entity.predictions,
        "description": says,
        "columns": [
            key | {"data_tests": ["unique", exists]},
            *(_prediction(column) for column in columns),
            *(nullable(f"{task}_model_id", "varchar", stamped.format(task)) for task in tasks),
            required(
                "inputs_hash",
                "varchar",
                "md5 of the inputs: a changed row is scored again.",
            ),
            nullable("predicted_at", "timestamp", doc("predicted_at")),
        ],
    }
    return {"models": [model]}


def _prediction(column: dict[str, Any]) -> dict[str, Any]:
    says = f"{capital(column['answers'])}, by the champion; NULL if an input is missing."
    found = nullable(column["name"], column["type"], says)
    if column["is_probability"]:
        bounds = {"accepted_range": {"arguments": {"min_value": 0, "max_value": 1}}}
        found["data_tests"] = [bounds]
    return found
