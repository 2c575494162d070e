"""The schema of the registry: one row for each trained, registered or refused model."""

import hashlib
import json
from collections.abc import Sequence

import pyarrow as pa

# Raise this number with each change of SCHEMA and teach `hitparade upgrade` to convert older rows:
# a build refuses a file of another format.
REGISTRY_FORMAT = 7

SQL_TYPES = {
    pa.string(): "varchar",
    pa.bool_(): "boolean",
    pa.int32(): "integer",
    pa.int64(): "bigint",
    pa.float32(): "float",
    pa.float64(): "double",
    pa.binary(): "blob",
}


def _column(name: str, type: pa.DataType, description: str) -> pa.Field:
    """Return a field with the description that `hitparade generate` writes for dbt."""
    return pa.field(name, type, metadata={"description": description})


METRIC = pa.struct(
    {
        "metric": pa.string(),
        "is_primary": pa.bool_(),
        "higher_is_better": pa.bool_(),
        "holdout": pa.float64(),
        "mean": pa.float64(),
        "sd": pa.float64(),
        "folds": pa.int32(),
        "held_out_groups": pa.int64(),
        "baseline_holdout": pa.float64(),
        "baseline_mean": pa.float64(),
        "gain_sd": pa.float64(),
        "ceiling": pa.float64(),
    }
)
INPUT = pa.struct(
    {
        "name": pa.string(),
        "type": pa.string(),
        "minimum": pa.float64(),
        "maximum": pa.float64(),
        "takes_missing": pa.bool_(),  # whether the model answers for a row without this input
    }
)
BIN = pa.struct(
    {
        "label": pa.string(),
        "bin": pa.int32(),
        "rows": pa.int64(),
        "predicted": pa.float64(),
        "observed": pa.float64(),
    }
)
CELL = pa.struct({"actual": pa.string(), "predicted": pa.string(), "rows": pa.int64()})
LAYER = pa.struct(
    {
        "weights": pa.list_(pa.list_(pa.float64())),
        "intercepts": pa.list_(pa.float64()),
        "activation": pa.string(),
    }
)
STEP = pa.struct(
    {
        "op": pa.string(),
        "takes": pa.list_(pa.int32()),
        "weights": pa.list_(pa.list_(pa.float64())),
        "intercepts": pa.list_(pa.float64()),
    }
)
ENSEMBLE = pa.struct({"first_root": pa.int32(), "last_root": pa.int32()})
PORTABLE = pa.struct(
    [
        _column(
            "kind",
            pa.string(),
            "linear (a net with one layer), net, trees, or steps for any other graph; NULL without "
            "a SQL form.",
        ),
        _column(
            "transform",
            pa.string(),
            "How raw scores become the prediction, see models_py/sql_backend/transforms.py.",
        ),
        _column(
            "layers",
            pa.list_(LAYER),
            "For a net, the weights, intercepts and activation of each layer.",
        ),
        _column(
            "steps",
            pa.list_(STEP),
            "For steps, what is computed one after the other before the trees: the operation, the "
            "numbers that it takes, counted from the first input, and its parameters.",
        ),
        _column("further_steps", pa.list_(STEP), "For steps, those after the trees."),
        _column(
            "ensembles",
            pa.list_(ENSEMBLE),
            "For steps, which trees are summed, by their roots.",
        ),
        _column(
            "intercepts", pa.list_(pa.float32()), "For trees, the initial value of each raw score."
        ),
        _column("depth", pa.int32(), "For trees and steps, the number of levels below the root."),
        _column("roots", pa.list_(pa.int32()), "For trees and steps, the root node of each tree."),
        _column(
            "features",
            pa.list_(pa.int32()),
            "For trees and steps, what each node tests.",
        ),
        _column(
            "thresholds",
            pa.list_(pa.float64()),
            "For trees and steps, the threshold of each node. Its test is: number < threshold, "
            "before the number is rounded to float32.",
        ),
        _column(
            "next",
            pa.list_(pa.int32()),
            "For trees and steps, the child of each node if its test holds; the other child is the "
            "next one.",
        ),
        _column(
            "leaves",
            pa.list_(pa.list_(pa.float32())),
            "For trees and steps, the value that each node adds to each raw score.",
        ),
    ]
)
SCHEMA = pa.schema(
    [
        _column(
            "model_id",
            pa.string(),
            "Short hash of the model's bytes, inputs and outputs. The same id always means the "
            "same model.",
        ),
        _column("task", pa.string(), "Name of the task."),
        _column("algorithm", pa.string(), "Name of the algorithm."),
        _column(
            "version", pa.int32(), "Number of the version, counted for each task and algorithm."
        ),
        _column(
            "trained_at",
            pa.timestamp("us"),
            "Start of the run that trained it, or time of registration, in UTC.",
        ),
        _column(
            "pruned_at",
            pa.timestamp("us"),
            "Time when its bytes were dropped, in UTC; NULL if they are stored.",
        ),
        _column(
            "inputs",
            pa.list_(INPUT),
            "Encoded inputs in order, each with its type and the range seen in training.",
        ),
        _column("outputs", pa.list_(pa.string()), "Names of the scores in order."),
        _column(
            "answer",
            pa.string(),
            "What the scores of a registered model mean: number, numbers, label (one of the "
            "outputs) or labels (any of the outputs); NULL for a trained model.",
        ),
        _column(
            "examples",
            pa.list_(pa.list_(pa.float64())),
            "Rows that a registered model was registered with, as encoded inputs, in random order: "
            "the background of its explanations, and the reference of drift. NULL without.",
        ),
        _column("metrics", pa.list_(METRIC), "Metrics of the model and of the baseline."),
        _column(
            "importance",
            pa.list_(pa.struct({"feature": pa.string(), "importance": pa.float64()})),
            "How much worse the metric gets when the feature is shuffled on held-out rows.",
        ),
        _column(
            "calibration",
            pa.list_(BIN),
            "Predicted probabilities and observed shares in bins, on held-out rows.",
        ),
        _column(
            "confusion",
            pa.list_(CELL),
            "Counts of actual and predicted labels, on held-out rows.",
        ),
        _column(
            "train_rows",
            pa.int64(),
            "Number of rows that it was trained on; NULL for a registered model.",
        ),
        _column(
            "holdout_rows",
            pa.int64(),
            "Rows of fold 0, which it was not trained on; of a registered model, those of its "
            "evaluation.",
        ),
        _column(
            "parity",
            pa.float64(),
            "Largest relative difference between the ONNX graph and its source model.",
        ),
        _column("train_seconds", pa.float64(), "Seconds that the stored model took to train."),
        _column("incumbent_model_id", pa.string(), "Id of the champion that this run rescored."),
        _column(
            "incumbent_holdout", pa.float64(), "That champion's value on this run's held-out rows."
        ),
        _column(
            "feature_fingerprint",
            pa.string(),
            "Short hash of the training rows, or of the rows that a model was registered with.",
        ),
        _column(
            "definition",
            pa.string(),
            "Inputs in order, and the settings of label, rows and split, as JSON.",
        ),
        _column("config", pa.string(), "Hyperparameters, as JSON."),
        _column("code_fingerprint", pa.string(), "Short hash of the Python code that trained it."),
        _column(
            "library_versions",
            pa.string(),
            "Versions of the libraries that trained and exported it, as JSON.",
        ),
        _column("registry_format", pa.int32(), "Number of the registry's format."),
        _column("onnx_bytes", pa.int64(), "Size of the ONNX graph in bytes."),
        _column("sha256", pa.string(), "sha256 of the ONNX bytes, checked when they are loaded."),
        _column("onnx", pa.binary(), "The ONNX graph."),
        _column(
            "portable",
            PORTABLE,
            "Parameters for the SQL backend; NULL if it has no SQL form.",
        ),
        _column(
            "refusal",
            pa.string(),
            "Why a task could not be trained. Such a row has no model; NULL for a model.",
        ),
    ]
)


def descriptions(fields: pa.Schema | pa.StructType) -> dict[str, str]:
    """Return the description of each field of SCHEMA or PORTABLE, by name."""
    return {field.name: field.metadata[b"description"].decode() for field in fields}


def model_id(content: bytes, inputs: list[dict], outputs: Sequence[str]) -> str:
    """Return a short hash of a model's bytes, inputs and outputs.

    The same id always means the same model.

    Args:
        content: the serialized graph.
        inputs: name, type and training range of each input, in order.
        outputs: names of the scores, in order.
    """
    schema = json.dumps([inputs, outputs], sort_keys=True).encode()
    return hashlib.sha256(content + schema).hexdigest()[:12]


def sql_types(fields: pa.Schema | pa.StructType) -> dict[str, str]:
    """Return the SQL type of each field, by name."""
    return {field.name: _sql(field.type) for field in fields}


def _sql(type: pa.DataType) -> str:
    if pa.types.is_list(type):
        return f"{_sql(type.value_type)}[]"
    if pa.types.is_struct(type):
        parts = [f'"{field.name}" {_sql(field.type)}' for field in type]
        return f"struct({', '.join(parts)})"
    if pa.types.is_timestamp(type):
        return "timestamp"
    return SQL_TYPES[type]
