"""The models whose columns follow the registry's format."""

from typing import Any

from hitparade.generate.docs import doc, registry_docs, sql_backend_docs
from hitparade.generate.properties.columns import nullable
from models_py.registry_schema import PORTABLE, SCHEMA, sql_types

ORIGIN = ("origin", "varchar", doc("origin"))
NEWEST = "True for the newest version of its algorithm that has the inputs of the champion."
# Columns that ml.model_versions leaves out, because other views have them.
MEASURED = ("metrics", "importance", "calibration", "confusion")
LEFT_OUT = ("onnx", "portable", "examples", *MEASURED)
# Data tests of single columns, by model.
TESTS: dict[str, dict[str, list]] = {
    "model_versions": {
        "model_id": ["not_null"],
        "onnx_bytes": [{"accepted_range": {"arguments": {"min_value": 1}}}],
        "origin": [{"accepted_values": {"arguments": {"values": ["trained", "registered"]}}}],
    },
    "models_to_serve": {"model_id": ["not_null"]},
}


def properties() -> dict:
    """Return the properties of the models whose columns follow the registry's format."""
    types, says = sql_types(SCHEMA), registry_docs()
    # The view leaves out refused trainings, and therefore their reason.
    names = [name for name in SCHEMA.names if name != "refusal"]
    all_columns = [*((name, types[name], says[name]) for name in names), ORIGIN]
    parts = [(n, sql_types(PORTABLE)[n], text) for n, text in sql_backend_docs().items()]
    first = [one for one in all_columns if one[0] in ("model_id", "task", "algorithm")]
    inputs = [one for one in all_columns if one[0] == "inputs"]
    served = [*first, ("is_newest", "boolean", NEWEST), *inputs, *parts]
    versions = [one for one in all_columns if one[0] not in LEFT_OUT]
    table = {
        "name": "served_models",
        "description": (
            "One row for each model that the SQL backend can run. Every build, promotion, "
            "registration and assignment renews it from ml.models_to_serve."
        ),
        "columns": [{"name": name, "description": text} for name, _, text in served],
    }
    return {
        "models": [
            {
                "name": "registry",
                "description": (
                    "One row for each model ever trained or registered, with all columns. Other "
                    "views of this schema show parts of it."
                ),
                "columns": [{"name": name, "description": text} for name, _, text in all_columns],
            },
            _view(
                "model_versions",
                "One row for each model ever trained or registered, without its bytes.",
                ["task", "algorithm", "version"],
                versions,
            ),
            _view(
                "models_to_serve",
                "One row for each model that belongs in ml.served_models: champions, the newest "
                "version of each algorithm, models with a share of the traffic, and registered "
                "models.",
                ["model_id", "task", "algorithm"],
                served,
            ),
        ],
        "sources": [{"name": "ml", "schema": "ml", "tables": [table]}],
    }


def _view(name: str, description: str, key: list[str], columns: list) -> dict[str, Any]:
    unique = {"unique_combination_of_columns": {"arguments": {"combination_of_columns": key}}}
    tests = TESTS[name]
    return {
        "name": name,
        "description": description,
        "data_tests": [unique],
        "columns": [
            nullable(*column) | ({"data_tests": tests[column[0]]} if column[0] in tests else {})
            for column in columns
        ],
    }
