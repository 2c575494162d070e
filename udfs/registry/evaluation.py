"""`udfs.evaluate`: measure a registered model on labelled rows, for the leaderboard."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike

from models_py import metrics
from models_py.columns import group
from models_py.registry_schema import SCHEMA
from udfs.errors import ModelError
from udfs.registry import scoring
from udfs.registry.examples import as_frame, as_numbers, encoded_as_known
from udfs.registry.labels import read
from udfs.registry.operations import transaction
from udfs.registry.scoring import Answers, Scorer
from udfs.runtime.scores import LARGEST
from udfs.runtime.sessions import Model

if TYPE_CHECKING:  # this is not installed where models are only served
    from pandas import DataFrame

# Of more rows, a random sample is evaluated: the errors need two hundred times the metrics.
MOST_ROWS = 20_000
MODELS = """
    select task, inputs, outputs, answer, onnx
    from ml.registered_models
    where model_id = $model_id and task = coalesce($task, task)
    qualify row_number() over (partition by task order by version desc) = 1
"""
COLUMNS = ("metrics", "importance", "calibration", "confusion", "holdout_rows")


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found.

    Attributes:
        metrics: the metrics by name; the first one decides.
        baseline: those of the baseline: the mean, or the shares of the labels.
        rows: how many rows were evaluated.
        unanswered: how many rows the model gives no answer for.
        unlabelled: how many rows have no label.
    """

    metrics: dict[str, float]
    baseline: dict[str, float]
    rows: int
    unanswered: int
    unlabelled: int


def evaluate(
    connection: duckdb.DuckDBPyConnection,
    model_id: str,
    rows: "ArrayLike | DataFrame",
    labels: Sequence[Any],
    *,
    task: str | None = None,
) -> Evaluation:
    """Score a registered model on labelled rows, and store metrics, importance and baseline.

    Give rows that the model was not fitted on. Rows without a label or an answer are left out, and
    of more than MOST_ROWS rows a random sample is used. The numbers replace those of an earlier
    evaluation; `rpt_model_leaderboard` shows them after the next build.

    Args:
        connection: a writable connection to the database with the model.
        model_id: the model.
        rows: rows (n, k) like its examples, as an array or a data frame.
        labels: the right answers (n,): a number, a label, or a list of labels for each row; for a
            model with several numbers, shape (n, m).
        task: the task of the model; needed if it is registered for several.

    Raises:
        ModelError: no such model was registered, or the rows or labels do not fit it.
    """
    task, inputs, outputs, answer, onnx = _registered(connection, model_id, task)
    model, names = Model(model_id, onnx), [entry["name"] for entry in inputs]
    features, is_known = _features(rows, names)
    truth, is_labelled = read(answer, outputs, labels)
    if len(truth) != len(features):
        raise ModelError(f"there are {len(features)} rows and {len(truth)} labels: give one each")
    is_answered = is_known & _is_answered(model, features)
    used = np.flatnonzero(is_answered & is_labelled)
    if len(used) < 2:
        raise ModelError(
            f"{len(used)} rows have both a label and an answer, and 2 are needed: "
            f"{(~is_labelled).sum()} have no label, and {(~is_answered).sum()} no answer"
        )
    if len(used) > MOST_ROWS:
        used = np.random.default_rng(0).choice(used, MOST_ROWS, replace=False)
    features, truth = features[used], truth[used]
    answers = _answers(model, answer, len(outputs), features)
    scorer = scoring.scorer(answer, outputs, truth, answers)
    found, baseline = scorer.values(truth, answers), scorer.baseline(truth)

    def loss(shuffled: np.ndarray) -> float:
        return scorer.loss(truth, _answers(model, answer, len(outputs), shuffled))

    groups = [group(name) or name for name in names]
    columns = {
        "metrics": _metric_rows(scorer, truth, answers, found, baseline),
        "importance": [
            {"feature": name, "importance": value}
            for name, value in metrics.importance(loss, features, groups).items()
        ],
        "holdout_rows": len(truth),
        **_diagrams(answer, outputs, truth, answers),
    }
    with transaction(connection):
        _store(connection, task, model_id, columns)
    unanswered, unlabelled = int((~is_answered).sum()), int((~is_labelled).sum())
    return Evaluation(found, baseline, len(truth), unanswered, unlabelled)


def _registered(
    connection: duckdb.DuckDBPyConnection, model_id: str, task: str | None
) -> tuple[str, list[dict], list[str], str, bytes]:
    """Return task, inputs, outputs, answer and bytes of a registered model."""
    found = connection.execute(MODELS, {"model_id": model_id, "task": task}).fetchall()
    if not found:
        raise ModelError(
            f"no model {model_id} was registered{f' for task {task}' if task else ''}: see select "
            "model_id, task, algorithm from ml.registered_models. A build evaluates the models "
            "that it trains"
        )
    if len(found) > 1:
        tasks = ", ".join(row[0] for row in found)
        raise ModelError(f"model {model_id} is registered for {tasks}: give one of them as task")
    if found[0][-1] is None:
        raise ModelError(f"model {model_id} was pruned, so its bytes are gone: register it again")
    return found[0]


def _features(rows: Any, names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return rows as features (n, k), and for each whether all its texts are known (n,)."""
    if as_frame(rows, None) is not None or any(map(group, names)):
        return encoded_as_known(rows, names)
    features = as_numbers(rows)
    if features.ndim != 2 or features.shape[1] != len(names):
        raise ModelError(
            f"the model takes {', '.join(names)}, and the rows have shape {features.shape}: give "
            "one column for each, in order"
        )
    return features, np.ones(len(features), dtype=bool)


def _is_answered(model: Model, features: np.ndarray) -> np.ndarray:
    """Return for each row whether the functions of the model answer it (n,)."""
    may_miss = np.zeros(features.shape[1], bool) if model.missing is None else model.missing
    is_answered = (np.abs(features) <= LARGEST).all(axis=1, where=~(np.isnan(features) & may_miss))
    if is_answered.any():
        scores = _scores(model, features[is_answered])
        is_answered[is_answered] = np.isfinite(scores).all(axis=1)
    return is_answered


def _scores(model: Model, features: np.ndarray) -> np.ndarray:
    (scores,) = model.run(["scores"], {"features": features.astype(model.floats)})
    return scores.astype(np.float64)


def _answers(model: Model, answer: str, count: int, features: np.ndarray) -> Answers:
    """Return the answers for features (n, k): the label of the model itself, if it has one."""
    scores = _scores(model, features)
    if answer != "label":
        return Answers(scores[:, :count])
    places = scores[:, count] if scores.shape[1] > count else scores[:, :count].argmax(axis=1)
    return Answers(scores[:, :count], places.astype(int))


def _metric_rows(
    scorer: Scorer,
    truth: np.ndarray,
    answers: Answers,
    found: dict[str, float],
    baseline: dict[str, float],
) -> list[dict]:
    """Return the metrics as the registry stores them: a single split, with errors by bootstrap."""
    errors = scorer.errors(truth, answers)
    return [
        {
            "metric": name,
            "is_primary": name == scorer.primary,
            "higher_is_better": scorer.metrics[name].higher_is_better,
            "holdout": value,
            "mean": value,
            "sd": errors[name].value,
            "folds": 1,
            "held_out_groups": len(truth),
            "baseline_holdout": baseline[name],
            "baseline_mean": baseline[name],
            "gain_sd": errors[name].gain,
        }
        for name, value in found.items()
    ]


def _diagrams(
    answer: str, outputs: list[str], truth: np.ndarray, answers: Answers
) -> dict[str, list[dict]]:
    """Return calibration and confusion of a classification."""
    if answer != "label":
        return {"calibration": [], "confusion": []}
    bins: list[metrics.Bin] = []
    if answers.are_probabilities:
        bins = metrics.calibration(tuple(outputs), truth, answers.scores)
    cells = metrics.confusion(tuple(outputs), truth, answers.labels)
    return {"calibration": [asdict(one) for one in bins], "confusion": [asdict(c) for c in cells]}


def _store(
    connection: duckdb.DuckDBPyConnection, task: str, model_id: str, columns: dict[str, Any]
) -> None:
    schema = pa.schema([SCHEMA.field(name) for name in COLUMNS])
    connection.register("evaluation_of_model", pa.Table.from_pylist([columns], schema))
    try:
        assignments = ", ".join(f"{name} = evaluation_of_model.{name}" for name in COLUMNS)
        connection.execute(
            f"update ml.registered_models set {assignments} from evaluation_of_model "
            "where task = ? and model_id = ?",
            [task, model_id],
        )
    finally:
        connection.unregister("evaluation_of_model")
