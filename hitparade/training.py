"""What a dbt training model does: train if something changed, return rows for the registry."""

import hashlib
import json
from datetime import UTC, datetime

import pyarrow as pa

from hitparade.registry import SCHEMA


def train(
    task: str, features, algorithms: dict, history=None, promotions=None, ceilings=None
) -> pa.Table:
    """Return the registry rows of a new training run of a task; none where nothing changed.

    Args:
        task: name of the task.
        features: relation of the task's feature table, its key first.
        algorithms: hyperparameters by algorithm, from the model's YAML.
        history: relation of the task's earlier registry rows, None before the first.
        promotions: relation `ml.promotions`, which names the champion to compare with.
        ceilings: relation of the sample's ceilings: source, task, metric, ceiling.

    Raises:
        models_py.training.TrainingError: a feature table that cannot be trained on.
        models_py.export.ExportError: a graph that disagrees with its estimator.
    """
    table = features.to_arrow_table()
    run = {
        "task": task,
        "feature_fingerprint": _fingerprint(table),
        "config": json.dumps(algorithms, sort_keys=True),
        "trained_at": datetime.now(UTC).replace(tzinfo=None),
    }
    earlier = _earlier(history)
    if table.num_rows == 0 or (earlier and _is_same(run, earlier[-1])):
        return SCHEMA.empty_table()
    # Imported here: loading the libraries takes longer than seeing that nothing changed.
    from hitparade.training_run import rows

    found = rows(run, table, algorithms, earlier, history, promotions, ceilings)
    return pa.Table.from_pylist(found, SCHEMA)


def _fingerprint(table: pa.Table) -> str:
    """A short hash of all values, whatever order the warehouse returned the rows in."""
    digest = hashlib.sha256()
    for column in table.sort_by(table.column_names[0]).columns:
        digest.update("\n".join(map(str, column.to_pylist())).encode())
    return digest.hexdigest()[:16]


def _earlier(history) -> list[dict]:
    """The earlier rows without their bytes, oldest first."""
    if history is None:
        return []
    names = ("algorithm", "version", "trained_at", "feature_fingerprint", "config")
    rows = history.select(*names).to_arrow_table().to_pylist()
    return sorted(rows, key=lambda row: row["trained_at"])


def _is_same(run: dict, row: dict) -> bool:
    return all(row[name] == run[name] for name in ("feature_fingerprint", "config"))
