"""A training run: candidates of a task as rows of the registry."""

import hashlib
import json
from dataclasses import asdict

import numpy as np
import pyarrow as pa

from models_py import hit, log_streams, log_streams_context, popularity, tier, training
from models_py.examples import HOLDOUT, Examples, TrainingError, examples
from models_py.task import Task
from models_py.training import Candidate
from udfs import portable
from udfs.schema import REGISTRY_FORMAT, model_id

TASKS = {
    task.name: task
    for task in (log_streams.TASK, log_streams_context.TASK, hit.TASK, tier.TASK, popularity.TASK)
}


def rows(
    run: dict,
    table: pa.Table,
    vocabularies: dict[str, list[str]],
    algorithms: dict,
    earlier: dict,
    history,
    promotions: list[dict],
    ceilings: list[dict],
) -> list[dict]:
    """Train the algorithms of a run.

    `earlier` is the newest row of each algorithm, promotions and ceilings are those of the task;
    the other arguments are those of `hitparade.training.train`.
    """
    task = TASKS[run["task"]]
    found = examples(task, table, vocabularies)
    run = run | _incumbent(task, found, run["definition"], history, promotions)
    limits = _limits(run["definition"], ceilings)
    return [
        run
        | {"config": json.dumps(algorithms[candidate.algorithm], sort_keys=True)}
        | _row(task, found, candidate, earlier, limits)
        for candidate in training.train(task, found, algorithms)
    ]


def _incumbent(
    task: Task, examples: Examples, definition: str, history, promotions: list[dict]
) -> dict:
    """The champion and its metric on this run's held-out rows; empty where none can be compared.

    A champion of another definition answers another question, or saw the held-out rows.

    Raises:
        TrainingError: its stored bytes are damaged.
    """
    if history is None or not promotions:
        return {}
    champion = max(promotions, key=lambda row: row["promoted_at"])["model_id"]
    # A model that was trained twice may have been pruned once.
    kept = history.filter(f"model_id = '{champion}' and onnx is not null")
    found = kept.select("onnx", "sha256", "definition")
    for model in found.to_arrow_table().to_pylist():
        if model["definition"] == definition:
            if hashlib.sha256(model["onnx"]).hexdigest() != model["sha256"]:
                raise TrainingError(
                    f"the stored bytes of model {champion}, the champion of task {task.name}, are "
                    "corrupted: restore the database file, or promote another model"
                )
            holdout = training.rescore(task, model["onnx"], examples)
            return {"incumbent_model_id": champion, "incumbent_holdout": holdout}
    return {}


def _limits(definition: str, ceilings: list[dict]) -> dict[str, float]:
    """The sample's ceilings, where they were computed for this definition of the task."""
    present = json.loads(definition)
    return {
        row["metric"]: row["ceiling"]
        for row in ceilings
        if json.loads(row["definition"]).items() <= present.items()
    }


def _row(task: Task, examples: Examples, candidate: Candidate, earlier: dict, limits: dict) -> dict:
    inputs = _inputs(examples)
    return {
        "model_id": model_id(candidate.onnx, inputs, task.outputs),
        "algorithm": candidate.algorithm,
        "version": earlier.get(candidate.algorithm, {"version": 0})["version"] + 1,
        "inputs": inputs,
        "outputs": task.outputs,
        "metrics": _metrics(task, examples, candidate, limits),
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
        "portable": portable.translate(candidate.onnx),
    }


def _inputs(examples: Examples) -> list[dict]:
    """The model's inputs in order, with the range of the rows it was trained on."""
    seen, _ = examples.split(HOLDOUT)
    return [
        {"name": name, "type": "float32", "minimum": float(low), "maximum": float(high)}
        for name, low, high in zip(
            examples.names, seen.features.min(axis=0), seen.features.max(axis=0), strict=True
        )
    ]


def _metrics(task: Task, examples: Examples, candidate: Candidate, limits: dict) -> list[dict]:
    return [
        asdict(score)
        | {
            "is_primary": score.metric == task.metric,
            "folds": len(np.unique(examples.fold)),
            "ceiling": limits.get(score.metric),
        }
        for score in candidate.scores
    ]
