"""The entry points of the dbt training models: train what changed, return registry rows."""

import functools
import importlib.metadata
import json
import logging
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from models_py import algorithms as known_algorithms
from models_py import fingerprints
from models_py.next_song import protocol
from models_py.registry_schema import REGISTRY_FORMAT, SCHEMA
from models_py.relation import Relation
from models_py.song_optimization.protocol import BOUNDS
from models_py.song_optimization.protocol import TASK as SONG_OPTIMIZATION
from models_py.tasks import TASKS

LIBRARIES = ("scikit-learn", "xgboost-cpu", "torch", "onnx", "skl2onnx", "onnxmltools", "numpy")
NET_LIBRARIES = ("torch", "onnx", "onnxscript", "numpy")
# The columns that identify what a candidate is trained from. If all are unchanged, it is not
# trained again.
IDENTITY = ("feature_fingerprint", "definition", "config", "code_fingerprint", "library_versions")
log = logging.getLogger("models_py.training")


@dataclass(frozen=True)
class Earlier:
    """What earlier trainings of a task left.

    Attributes:
        models: the newest row of each algorithm, without the model's bytes.
        refusal: the reason why the newest training was refused; None if it was not.
    """

    models: dict[str, dict]
    refusal: str | None


def _in_any_warehouse(train: Callable[..., pa.Table]) -> Callable:
    """Let a training function also read and return Snowpark data frames."""

    @functools.wraps(train)
    def trained(*arguments: Any, **relations: Any) -> Any:  # a pyarrow table or a data frame
        # Nobody can pass a Snowpark data frame without having loaded its package.
        if "snowflake.snowpark" not in sys.modules:
            return train(*arguments, **relations)
        from models_py import snowpark

        session = snowpark.session_of(relations.values())
        rows = train(*arguments, **{k: snowpark.readable(v) for k, v in relations.items()})
        return snowpark.stored(session, rows) if session else rows

    return trained


@_in_any_warehouse
def train(
    task: str,
    features: Relation,
    algorithms: dict,
    definition: dict,
    history: Relation | None = None,
    promotions: Relation | None = None,
    ceilings: Relation | None = None,
    vocabularies: dict[str, Relation] | None = None,
) -> pa.Table:
    """Return the registry rows of the candidates that changed; an empty table if none did.

    A feature table that cannot be trained on gives a warning and one row that has only the reason,
    in `refusal`, so that the other tasks go on. The task keeps its models. The same reason is not
    stored twice in a row.

    Args:
        task: name of the task.
        features: relation of the task's feature table: key, pair_key, fold, inputs, label.
        algorithms: hyperparameters by algorithm, from the model's YAML.
        definition: the settings that decide about the label and the rows, from the model's YAML.
        history: relation of the task's earlier registry rows; None before the first.
        promotions: relation `ml.promotions`, which names the champion to compare with.
        ceilings: relation of the best achievable scores on the generated sample: source, task,
            metric, ceiling, definition.
        vocabularies: for each input that is a one-hot group, a relation with one column, its
            members. They are sorted here.

    Returns:
        A table with the columns of `models_py.registry_schema.SCHEMA`.

    Raises:
        models_py.examples.SettingsError: an algorithm or a hyperparameter is unknown.
        models_py.export.ExportError: a graph differs from its estimator.
    """
    table = features.to_arrow_table()
    table = table.sort_by(table.column_names[0])
    best = _rows_of(task, ceilings)
    members = {name: _members(relation) for name, relation in (vocabularies or {}).items()}
    run = _run(task, [table], (best, members), LIBRARIES)
    run["definition"] = _definition(table, definition, members)
    earlier = _earlier(history)
    codes = {name: _code_of(task, name) for name in algorithms}
    changed = _changed(run, algorithms, codes, earlier)
    if table.num_rows == 0:
        return _without_rows(run, earlier)
    if not changed:
        return SCHEMA.empty_table()
    # Imported here, because loading the libraries takes longer than a run without changes.
    from models_py.registry_rows import rows

    promoted = _rows_of(task, promotions)
    return _trained(
        run,
        codes,
        earlier,
        lambda: rows(run, table, members, changed, earlier.models, history, promoted, best),
    )


@_in_any_warehouse
def train_next_song(
    playlists: Relation,
    tracks: Relation,
    edges: Relation,
    algorithms: dict,
    definition: dict,
    history: Relation | None = None,
    promotions: Relation | None = None,
    ceilings: Relation | None = None,
) -> pa.Table:
    """Return the registry rows of the candidates of next_song that changed, as `train` does.

    Args:
        playlists: relation `feat_next_song`.
        tracks: relation `feat_next_song_tracks`.
        edges: relation `feat_next_song_edges`.
        algorithms: see `train`.
        definition: see `train`.
        history: see `train`.
        promotions: see `train`.
        ceilings: see `train`.

    Raises:
        models_py.export.ExportError: a graph differs from its model.
    """
    best = _rows_of(protocol.TASK, ceilings)
    tables = [
        relation.to_arrow_table().sort_by([(key, "ascending") for key in keys])
        for relation, keys in (
            (playlists, ["playlist_id"]),
            (tracks, ["track_number"]),
            (edges, ["track_number", "neighbour_number"]),
        )
    ]
    run = _run(protocol.TASK, tables, best, NET_LIBRARIES)
    own = {"inputs": [*protocol.INPUTS]} | protocol.DEFINITION
    run["definition"] = json.dumps(own | {name: str(v) for name, v in definition.items()})
    earlier = _earlier(history)
    code = fingerprints.of_code(["models_py.next_song.training"])
    codes = dict.fromkeys(algorithms, code)
    changed = _changed(run, algorithms, codes, earlier)
    if tables[0].num_rows == 0:
        return _without_rows(run, earlier)
    if not changed:
        return SCHEMA.empty_table()
    from models_py.next_song.registry_rows import rows

    promoted = _rows_of(protocol.TASK, promotions)
    return _trained(
        run,
        codes,
        earlier,
        lambda: rows(run, tables, changed, earlier.models, history, promoted, best),
    )


@_in_any_warehouse
def train_song_optimization(
    features: Relation,
    genres: Relation,
    algorithms: dict,
    definition: dict,
    history: Relation | None = None,
    promotions: Relation | None = None,
) -> pa.Table:
    """Return the registry rows of song optimization, as `train` does.

    They are the teacher, the student, the held-out evaluator (algorithm `judge`) and the optimizer
    (algorithm `gradient`). If one of them changed, all are trained, because they depend on each
    other.

    Args:
        features: relation `feat_song_optimization`.
        genres: relation with one column, the genres of the one-hot group.
        algorithms: see `train`.
        definition: see `train`.
        history: see `train`.
        promotions: see `train`.

    Raises:
        models_py.export.ExportError: a graph differs from its model.
    """
    table = features.to_arrow_table().sort_by("track_id")
    members = {"genres": _members(genres)}
    libraries = sorted({*LIBRARIES, *NET_LIBRARIES})
    run = _run(SONG_OPTIMIZATION, [table], members, libraries)
    run["definition"] = _definition(table, definition | {"changeable": BOUNDS}, members)
    earlier = _earlier(history)
    code = fingerprints.of_code(["models_py.song_optimization.training"])
    codes = dict.fromkeys(algorithms, code)
    if table.num_rows == 0:
        return _without_rows(run, earlier)
    if not _changed(run, algorithms, codes, earlier):
        return SCHEMA.empty_table()
    from models_py.song_optimization.registry_rows import rows

    promoted = _rows_of(SONG_OPTIMIZATION, promotions)
    return _trained(
        run,
        codes,
        earlier,
        lambda: rows(run, table, members["genres"], algorithms, earlier.models, history, promoted),
    )


def _run(task: str, tables: list[pa.Table], known: object, libraries: Iterable[str]) -> dict:
    """Return the fields that all candidates of a run share, except the definition."""
    return {
        "task": task,
        "trained_at": datetime.now(UTC).replace(tzinfo=None),
        "feature_fingerprint": fingerprints.of_tables(tables, known),
        "library_versions": json.dumps({lib: _version(lib) for lib in libraries}),
    }


def _code_of(name: str, algorithm: str) -> str:
    """Return a short hash of the code that trains an algorithm of a task."""
    task = TASKS[name]
    modules = ["models_py.training"]
    if algorithm in known_algorithms.ALGORITHMS[task.kind]:  # `training.check` refuses others
        modules.append(known_algorithms.module_of(task.kind, algorithm))
    return fingerprints.of_code(modules, (task.kind, task.metric, task.label, task.outputs))


def _changed(
    run: dict, algorithms: dict, codes: Mapping[str, str], earlier: Earlier
) -> dict[str, dict]:
    """Return the hyperparameters of the algorithms whose data, code or settings changed.

    After a refusal, all algorithms count as changed.
    """
    changed = {}
    for name, params in algorithms.items():
        candidate = run | {"config": _config(params), "code_fingerprint": codes[name]}
        if earlier.refusal or not _is_same(candidate, earlier.models.get(name)):
            changed[name] = params or {}
    return changed


def _trained(
    run: dict, codes: Mapping[str, str], earlier: Earlier, rows: Callable[[], list[dict]]
) -> pa.Table:
    """Return the rows of a training, or one row with the reason why it was refused."""
    from models_py.examples import SettingsError, TrainingError

    try:
        found = [row | {"code_fingerprint": codes[row["algorithm"]]} for row in rows()]
    except SettingsError:
        raise
    except TrainingError as error:
        return _refused(run, earlier, str(error))
    return pa.Table.from_pylist(found, SCHEMA)


def _without_rows(run: dict, earlier: Earlier) -> pa.Table:
    """Refuse a training without rows, if the task had rows before."""
    if not earlier.models and not earlier.refusal:
        return SCHEMA.empty_table()
    reason = f"task {run['task']} has no rows to train on any more: see rpt_sources, or add data"
    return _refused(run, earlier, reason)


def _refused(run: dict, earlier: Earlier, reason: str) -> pa.Table:
    """Return a row with the reason of a refusal; none if it is that of the last training."""
    log.warning("%s; its models stay unchanged", reason)
    row = run | {"registry_format": REGISTRY_FORMAT, "refusal": reason}
    return pa.Table.from_pylist([] if earlier.refusal == reason else [row], SCHEMA)


def _rows_of(task: str, relation: Relation | None) -> list[dict]:
    """Return the rows of a task."""
    if relation is None:
        return []
    return relation.filter(f"task = '{task}'").to_arrow_table().to_pylist()


def _members(relation: Relation) -> list[str]:
    return sorted(relation.to_arrow_table().column(0).to_pylist())


def _definition(table: pa.Table, definition: dict, members: dict[str, list[str]]) -> str:
    """Return the inputs in order, the settings of label and rows, and the vocabularies, as JSON."""
    _, _, _, *inputs, _ = table.column_names
    return json.dumps({"inputs": inputs} | {k: str(v) for k, v in definition.items()} | members)


def _version(library: str) -> str:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        # Snowflake has xgboost, not xgboost-cpu.
        return importlib.metadata.version(library.removesuffix("-cpu"))


def _config(params: dict | None) -> str:
    return json.dumps(params or {}, sort_keys=True)


def _earlier(history: Relation | None) -> Earlier:
    if history is None:
        return Earlier({}, None)
    names = ("algorithm", "version", "trained_at", "refusal", *IDENTITY)
    rows = history.select(*names).to_arrow_table().to_pylist()
    models = sorted((row for row in rows if not row["refusal"]), key=lambda row: row["version"])
    newest = max(rows, key=lambda row: row["trained_at"], default={"refusal": None})
    return Earlier({row["algorithm"]: row for row in models}, newest["refusal"])


def _is_same(candidate: dict, row: dict | None) -> bool:
    return row is not None and all(row[name] == candidate[name] for name in IDENTITY)
