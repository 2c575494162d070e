"""The feature table of a task: its contract, and its test for leaks."""

from hitparade.generate.declarations import Column, Entity, TabularTask
from hitparade.generate.docs import doc, key_doc
from hitparade.generate.properties.columns import required

LABEL_TYPES = {"regression": "double", "binary": "boolean", "multiclass": "varchar"}


def properties(task: TabularTask) -> dict:
    """Return the properties of a task's feature table: its contract, and its test for leaks."""
    entity = task.entity
    leak = {
        "rows": f"ref('{entity.relation}')",
        "key": entity.key,
        "after_release": list(entity.after_release),
    }
    inputs = [one for column in task.arguments for one in _inputs(entity, column)]
    label = (task.label.name, LABEL_TYPES[task.kind], task.label.description)
    columns = [
        required(entity.key, "varchar", key_doc(entity)) | {"data_tests": ["unique"]},
        required("pair_key", "varchar", doc("pair_key")),
        required("fold", "integer", doc("song_fold")),
        *(required(*one) for one in [*inputs, label]),
    ]
    says = (
        f"One row for each {entity.rows}: key, fold, the inputs of task {task.name} in order, "
        "and its label."
    )
    tests = ["one_side_of_a_split", {"no_leak": {"arguments": leak}}]
    model = {
        "name": f"feat_{task.name}",
        "description": says,
        "data_tests": tests,
        "columns": columns,
    }
    return {"models": [model]}


def _inputs(entity: Entity, column: Column) -> list[tuple[str, str, str]]:
    """Return name, type and description of each input that a column becomes."""
    if column.inputs:
        return [(one.name, "double", one.description) for one in column.inputs]
    if column.vocabulary:
        says = f"1 or 0 for each row of {column.vocabulary}, in alphabetical order."
        return [(column.name, "double[]", says)]
    if column.type == "boolean":
        return [(column.name, "double", f"1 or 0. {column.description}")]
    return [(column.name, "double", doc(f"{entity.name}_{column.name}"))]
