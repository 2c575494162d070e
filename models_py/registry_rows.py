"""A training run: candidates of a task as rows of the registry."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict

import numpy as np
import pyarrow as pa

from models_py import sql_backend, training
from models_py.examples import HOLDOUT, TrainingError, examples
from models_py.registry_schema import REGISTRY_FORMAT, model_id
from models_py.relation import Relation
from models_py.tasks import TASKS
from models_py.training import Candidate


def rows(
    run: dict,
    table: pa.Table,
    vocabularies: dict[str, list[str]],
    algorithms: dict,
    earlier: dict,
    history: Relation | None,
    promotions: list[dict],
    ceilings: list[dict],
) -> list[dict]:
    """Train the algorithms of a run.

    `earlier` is the newest row of each algorithm, promotions and ceilings are those of the task;
    the other arguments are those of `models_py.runs.train`.
    """
    task = TASKS[run["task"]]
    found = examples(task, table, vocabularies)
    run = run | incumbent(
        run, history, promotions, lambda content: training.rescore(task, content, found)
    )
    seen, _ = found.split(HOLDOUT)
    ranges = ranges_of(found.names, seen.features)
    folds = len(np.unique(found.fold))
    return [
        run
        | row(candidate, ranges, task.outputs, algorithms, earlier)
        | {
            "metrics": metrics(candidate, task.metric, folds, run["definition"], ceilings),
            "portable": sql_backend.translate(candidate.onnx),
        }
        for candidate in training.train(task, found, algorithms)
    ]


def incumbent(
    run: dict, history: Relation | None, promotions: list[dict], rescore: Callable[[bytes], float]
) -> dict:
    """The champion and its metric on this run's held-out rows; empty where none can be compared.

    A champion of another definition answers another question, or saw the held-out rows.

    Args:
        run: the task and the definition, with more.
        history: relation of the task's earlier registry rows, None before the first.
        promotions: rows of `ml.promotions` of the task.
        rescore: measures the bytes of a model on this run's held-out rows.

    Raises:
        TrainingError: its stored bytes are damaged.
    """
    if history is None or not promotions:
        return {}
    champion = max(promotions, key=lambda row: row["promoted_at"])["model_id"]
    # A model that was trained twice may have been pruned once.
    kept = history.filter(f"model_id = '{champion}' and pruned_at is null")
    found = kept.select("model_id", "onnx", "sha256", "definition")
    for model in found.to_arrow_table().to_pylist():
        if model["definition"] == run["definition"]:
            if hashlib.sha256(model["onnx"]).hexdigest() != model["sha256"]:
                raise TrainingError(
                    f"the stored bytes of model {champion}, the champion of task {run['task']}, "
                    "are corrupted: restore the database file, or promote another model"
                )
            return {
                "incumbent_model_id": champion,
                "incumbent_holdout": rescore(model["onnx"]),
            }
    return {}


def _limits(definition: str, ceilings: list[dict]) -> dict[str, float]:
    """The sample's ceilings, where they were computed for this definition of the task."""
    present = json.loads(definition)
    return {
        row["metric"]: row["ceiling"]
        for row in ceilings
        if json.loads(row["definition"]).items() <= present.items()
    }


def row(
    candidate: Candidate, inputs: list[dict], outputs: Sequence[str], config: dict, earlier: dict
) -> dict:
    """What the registry says of a candidate, but for the run, its metrics and its portable form."""
    return {
        "model_id": model_id(candidate.onnx, inputs, outputs),
        "algorithm": candidate.algorithm,
        "version": earlier.get(candidate.algorithm, {"version": 0})["version"] + 1,
        "config": json.dumps(config[candidate.algorithm], sort_keys=True),
        "inputs": inputs,
        "outputs": outputs,
        "importance": [
            {"feature": name, "importance": value} for name, value in candidate.importance.items()
        ],
        "calibration": [asdict(found) for found in candidate.calibration],
        "confusion": [asdict(found) for found in candidate.confusion],
        "train_rows": candidate.train_rows,
        "holdout_rows": candidate.holdout_rows,
        "parity": candidate.parity,
        "train_seconds": candidate.train_seconds,
        "registry_format": REGISTRY_FORMAT,
        "onnx_bytes": len(candidate.onnx),
        "sha256": hashlib.sha256(candidate.onnx).hexdigest(),
        "onnx": candidate.onnx,
    }


def ranges_of(names: Sequence[str], seen: np.ndarray) -> list[dict]:
    """A model's inputs in order, with the range of the rows (n, k) it was trained on."""
    return [
        {"name": name, "type": "float32", "minimum": float(low), "maximum": float(high)}
        for name, low, high in zip(names, seen.min(axis=0), seen.max(axis=0), strict=True)
    ]


def metrics(
    candidate: Candidate, primary: str, folds: int, definition: str, ceilings: list[dict]
) -> list[dict]:
    """The metrics of a candidate, each with its ceiling where the sample knows one."""
    limits = _limits(definition, ceilings)
    return [
        asdict(score)
        | {
            "is_primary": score.metric == primary,
            "folds": folds,
            "ceiling": limits.get(score.metric),
        }
        for score in candidate.scores
    ]
