"""The format of the registry: one row for each model, trained here or registered from outside."""

import hashlib
import json
from collections.abc import Sequence

import pyarrow as pa

# Raise with each change of SCHEMA, and let `hitparade upgrade` bring older rows to it: a run
# refuses a file of another format.
REGISTRY_FORMAT = 3

METRIC = pa.struct(
    {
        "metric": pa.string(),
        "is_primary": pa.bool_(),
        "higher_is_better": pa.bool_(),
        "holdout": pa.float64(),
        "mean": pa.float64(),
        "sd": pa.float64(),
        "folds": pa.int32(),
        "baseline_holdout": pa.float64(),
        "baseline_mean": pa.float64(),
        "gain_sd": pa.float64(),
        "ceiling": pa.float64(),
    }
)
INPUT = pa.struct(
    {"name": pa.string(), "type": pa.string(), "minimum": pa.float64(), "maximum": pa.float64()}
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
    {"weights": pa.list_(pa.list_(pa.float64())), "intercepts": pa.list_(pa.float64())}
)
PORTABLE = pa.struct(
    {
        "kind": pa.string(),
        "transform": pa.string(),
        "layers": pa.list_(LAYER),
        "intercepts": pa.list_(pa.float32()),
        "depth": pa.int32(),
        "roots": pa.list_(pa.int32()),
        "features": pa.list_(pa.int32()),
        "thresholds": pa.list_(pa.float32()),
        "next": pa.list_(pa.int32()),
        "leaves": pa.list_(pa.list_(pa.float32())),
    }
)
SCHEMA = pa.schema(
    {
        "model_id": pa.string(),
        "task": pa.string(),
        "algorithm": pa.string(),
        "version": pa.int32(),
        "trained_at": pa.timestamp("us"),
        "pruned_at": pa.timestamp("us"),
        "inputs": pa.list_(INPUT),
        "outputs": pa.list_(pa.string()),
        "metrics": pa.list_(METRIC),
        "importance": pa.list_(pa.struct({"feature": pa.string(), "importance": pa.float64()})),
        "calibration": pa.list_(BIN),
        "confusion": pa.list_(CELL),
        "train_rows": pa.int64(),
        "holdout_rows": pa.int64(),
        "parity": pa.float64(),
        "train_seconds": pa.float64(),
        "incumbent_model_id": pa.string(),
        "incumbent_holdout": pa.float64(),
        "feature_fingerprint": pa.string(),
        "definition": pa.string(),
        "config": pa.string(),
        "code_fingerprint": pa.string(),
        "library_versions": pa.string(),
        "registry_format": pa.int32(),
        "onnx_bytes": pa.int64(),
        "sha256": pa.string(),
        "onnx": pa.binary(),
        "portable": PORTABLE,
    }
)


def model_id(content: bytes, inputs: list[dict], outputs: Sequence[str]) -> str:
    """Return a short hash of bytes, inputs and outputs together: it never changes its meaning."""
    schema = json.dumps([inputs, outputs], sort_keys=True).encode()
    return hashlib.sha256(content + schema).hexdigest()[:12]
