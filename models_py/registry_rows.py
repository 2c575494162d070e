"""The candidates of a training run as rows of the registry."""

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
    """Train the algorithms of a run; return one registry row for each.

    Args:
        run: the fields that all candidates of the run share.
        table: the feature table, see `models_py.runs.train`.
        vocabularies: for each input that is a one-hot group, its members in order.
        algorithms: hyperparameters by algorithm.
        earlier: the newest earlier row of each algorithm.
        history: relation of the task's earlier registry rows; None before the first.
        promotions: rows of `ml.promotions` of the task.
        ceilings: rows of the best achievable scores of the task.

    Raises:
        TrainingError: the table or the hyperparameters cannot be trained on.
        models_py.export.ExportError: a graph differs from its estimator.
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
    """Return the champion's model_id and its metric on this run's held-out rows.

    Return {} if there is no champion, or if it has another definition: then it predicts something
    else, or it may have been trained on rows that are held out now.

    Args:
        run: contains the task and the definition.
        history: relation of the task's earlier registry rows; None before the first.
        promotions: rows of `ml.promotions` of the task.
        rescore: returns the metric of a serialized model on this run's held-out rows.

    Raises:
        TrainingError: the champion's stored bytes are corrupted.
    """
    if history is None or not promotions:
        return {}
    champion = max(promotions, key=lambda row: row["promoted_at"])["model_id"]
    # A model that was trained twice has two rows, and one of them may have been pruned.
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


def _best_achievable(definition: str, ceilings: list[dict]) -> dict[str, float]:
    """Return the best achievable score of each metric, if computed for this definition."""
    present = json.loads(definition)
    return {
        row["metric"]: row["ceiling"]
        for row in ceilings
        if json.loads(row["definition"]).items() <= present.items()
    }


def row(
    candidate: Candidate, inputs: list[dict], outputs: Sequence[str], config: dict, earlier: dict
) -> dict:
    """Return a candidate's registry fields, except those of the run, `metrics` and `portable`.

    Args:
        candidate: the candidate.
        inputs: see `ranges_of`.
        outputs: names of the scores in order.
        config: hyperparameters by algorithm.
        earlier: the newest earlier row of each algorithm.
    """
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
    """Return the k inputs in order, each with its range in the training rows (n, k)."""
    return [
        {"name": name, "type": "float32", "minimum": float(low), "maximum": float(high)}
        for name, low, high in zip(names, seen.min(axis=0), seen.max(axis=0), strict=True)
    ]


def metrics(
    candidate: Candidate, primary: str, folds: int, definition: str, ceilings: list[dict]
) -> list[dict]:
    """Return the metrics of a candidate for the registry.

    Args:
        candidate: the candidate.
        primary: the metric that decides about promotion.
        folds: the number of folds.
        definition: the definition of the task, as JSON.
        ceilings: rows of the best achievable scores, which only the generated sample has.
    """
    best = _best_achievable(definition, ceilings)
    return [
        asdict(score)
        | {
            "is_primary": score.metric == primary,
            "folds": folds,
            "ceiling": best.get(score.metric),
        }
        for score in candidate.scores
    ]
