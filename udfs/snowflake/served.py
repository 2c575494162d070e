"""Handlers that run models in Snowflake: each takes a data frame and returns a series.

The graphs and the code are IMPORTS of a function, which are fixed when the function is created. So
is its stamp: the models with their inputs, and the model_id that each alias such as
'champion of hit' means. The typed functions use these aliases. A promotion recreates the functions.
"""

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from udfs.errors import ModelError, says_no_model
from udfs.runtime import explanations, optimizations, scores, songs
from udfs.runtime.plans import Plan
from udfs.runtime.sessions import Model, Sessions, Stored
from udfs.snowflake.explanations import Background
from udfs.snowflake.values import as_list

LARGEST = scores.LARGEST
NUMBERS = pa.list_(pa.float64())
TEXTS = pa.list_(pa.string())


class Served:
    """The models of a function, by model_id and by the aliases of its stamp.

    Attributes:
        stamp: `models` has the sha256 of each model_id, `words` the model_id of each alias. Other
            entries depend on the function, such as the models' inputs.
    """

    def __init__(self, stamp: str, folder: Path | None = None):
        """Take the stamp as JSON, and the folder of the imports; by default Snowflake's."""
        self.stamp = json.loads(stamp)
        self._folder = folder or Path(sys._xoptions["snowflake_import_directory"])
        self._sessions = Sessions(self._read)
        backgrounds = self.stamp.get("backgrounds", {})
        self._backgrounds = {task: Background(**known) for task, known in backgrounds.items()}

    def model(self, asked: str | None) -> Model:
        """Return the model of a model_id or an alias.

        Raises:
            ModelError: this function has no such model.
        """
        model_id = self.known(asked)
        return self._sessions.get(model_id)

    def known(self, asked: str | None) -> str:
        """Return the model_id for a model_id or an alias.

        Raises:
            ModelError: this function has no such model.
        """
        model_id = "model_id is NULL" if asked is None else self.model_id(asked)
        if model_id not in self.stamp["models"]:
            what = model_id if says_no_model(model_id) else f"no model {model_id} is served here"
            raise ModelError(
                f"{what}: see select model_id, task, algorithm from ml.served_models, and select * "
                "from ml.challengers for a task without champion"
            )
        return model_id

    def model_id(self, asked: str) -> str:
        """Return the model_id of an alias, else a sentence that says what is missing."""
        if " " not in asked:
            return asked
        champion = asked.removeprefix("champion of ")
        if champion != asked:
            return self.stamp["words"].get(asked, f"task {champion} has no champion")
        task, _, algorithm = asked.partition(" by ")
        return self.stamp["words"].get(asked, f"task {task} has no model by {algorithm}")

    def plan(self, task: str) -> Plan:
        """Return the plan that explains the predictions of a task.

        Raises:
            ModelError: the task has no background.
        """
        if task not in self._backgrounds:
            raise ModelError(
                f"onnx_explain: task {task} has no background rows: use one of "
                f"{', '.join(self._backgrounds)} that has training rows"
            )
        return self._backgrounds[task].plan

    def check_explained(self, task: str, asked: str) -> None:
        """Check that the background rows of a task are encoded as a model's inputs.

        Raises:
            ModelError: they are not, such as songs with other genres than those of the model.
        """
        inputs = [one["name"] for one in self.stamp["models"][self.known(asked)]["inputs"]]
        if task in self._backgrounds and self._backgrounds[task].inputs != inputs:
            raise ModelError(
                f"onnx_explain: task {task} has no background rows with the inputs of the model: "
                f"give the task of the model, one of {', '.join(self._backgrounds)}, or promote a "
                "model of the last build"
            )

    def _read(self, model_id: str) -> Iterator[Stored]:
        content = (self._folder / f"{model_id}.onnx").read_bytes()
        yield Stored(content, self.stamp["models"][model_id]["sha256"])


def onnx_predict(served: Served, rows: pd.DataFrame) -> pd.Series:
    """Return scores; the columns are model and features."""
    return _series(scores.onnx_predict(served.model, _texts(rows[0]), _lists(rows[1], NUMBERS)))


def onnx_next_songs(served: Served, rows: pd.DataFrame) -> pd.Series:
    """Return the next tracks.

    The columns are model, list of tracks, title words, k and the four options of `next_songs`.
    """
    answers = songs.next_songs(
        served.model,
        _texts(rows[0]),
        _lists(rows[1], TEXTS),
        _lists(rows[2], TEXTS),
        _chunked(rows[3], pa.int64()),
        _lists(rows[4], TEXTS),
        _lists(rows[5], TEXTS),
        _chunked(rows[6], pa.int64()),
        _chunked(rows[7], pa.bool_()),
    )
    return _series(answers)


def onnx_next_song_score(served: Served, rows: pd.DataFrame) -> pd.Series:
    """Return how likely a track comes next; the columns are model, list of tracks and track."""
    asked = _lists(rows[1], TEXTS), _texts(rows[2])
    return _series(songs.next_song_score(served.model, _texts(rows[0]), *asked))


def onnx_track_vector(served: Served, rows: pd.DataFrame) -> pd.Series:
    """Return the vector of a track; the columns are model and track."""
    return _series(songs.track_vector(served.model, _texts(rows[0]), _texts(rows[1])))


def onnx_optimize_song(served: Served, rows: pd.DataFrame) -> pd.Series:
    """Return what to change in a song.

    The columns are model, held-out evaluator, song, lows, highs, max_changes and the options.
    """
    return _series(_optimized(served, rows))


def _optimized(served: Served, rows: pd.DataFrame) -> pa.Array:
    # The held-out evaluator runs through `onnx_predict`, which takes a model_id and no alias.
    judges = rows[1].map(served.model_id, na_action="ignore")
    lists = [_lists(rows[place], NUMBERS) for place in (2, 3, 4, 5)]
    options = [
        _chunked(rows[6], pa.int64()),
        _chunked(rows[7], pa.float64()),
        _chunked(rows[8], pa.int64()),
    ]
    return optimizations.optimize_song(
        served.model, _texts(rows[0]), _texts(judges), *lists, *options
    )


def optimized_song(served: Served, rows: pd.DataFrame) -> pd.Series:
    """Return the advice of `optimize_song`.

    The columns are model, held-out evaluator, song, features, max_change, max_features and penalty.
    """
    changeable = served.stamp["changeable"]
    asked = pd.DataFrame({place: rows[place] for place in (0, 1, 2)})
    asked[3] = [[feature["low"] for feature in changeable]] * len(rows)
    asked[4] = [[feature["high"] for feature in changeable]] * len(rows)
    asked[5] = [
        _max_changes(changeable, as_list(features), _number(share))
        for features, share in zip(rows[3], rows[4], strict=True)
    ]
    asked[6], asked[7], asked[8] = rows[5], rows[6], served.stamp["steps"]
    names = [feature["name"] for feature in changeable]
    answers = _optimized(served, asked).to_pylist()
    return pd.Series([_advice(names, answer) for answer in answers], dtype=object)


def _max_changes(
    changeable: list[dict], features: list | None, share: float | None
) -> list[float] | None:
    """Return the largest change of each feature in its own unit; 0 for one that may not change."""
    names = [feature["name"] for feature in changeable]
    if share is None:
        return None
    if features is not None and not set(features) <= set(names):
        raise ModelError(
            f"optimize_song: features are {features}: give some of {', '.join(names)}, or NULL "
            "for all"
        )
    if not 0 <= share <= 1:
        raise ModelError(f"optimize_song: max_change is {share}: give a share of the range, 0 to 1")
    return [
        share * (one["high"] - one["low"]) if features is None or one["name"] in features else 0.0
        for one in changeable
    ]


def _advice(names: list[str], answer: dict | None) -> dict | None:
    if answer is None:
        return None
    before = dict(zip(names, answer["original"], strict=True))
    after = dict(zip(names, answer["optimized"], strict=True))
    effects = dict(zip(names, answer["effects"], strict=True))
    changed = [name for name in names if before[name] != after[name]]
    # The order of DuckDB's list_reverse_sort: by effect, then by name, both descending.
    changed.sort(key=lambda name: (effects[name], name), reverse=True)
    return {
        "popularity_before": answer["popularity_before"],
        "popularity_after": answer["popularity_after"],
        "popularity_delta": answer["popularity_after"] - answer["popularity_before"],
        "judged_delta": answer["judged_after"] - answer["judged_before"],
        "distance_before": answer["distance_before"],
        "distance_after": answer["distance_after"],
        "before": before,
        "after": after,
        "changes": [
            {
                "rank": place,
                "feature": name,
                "before": before[name],
                "after": after[name],
                "delta": after[name] - before[name],
                "effect": effects[name],
            }
            for place, name in enumerate(changed, 1)
        ],
    }


def onnx_explain(served: Served, rows: pd.DataFrame) -> pd.Series:
    """Return what each argument adds; the columns are task, model, features and output."""
    plan_ids, model_ids = _texts(rows[0]), _texts(rows[1])
    for task, model_id in {*zip(plan_ids.to_pylist(), model_ids.to_pylist(), strict=True)}:
        if task is not None and model_id is not None:
            served.check_explained(task, model_id)
    asked = plan_ids, model_ids, _lists(rows[2], NUMBERS), _chunked(rows[3], pa.int64())
    return _series(explanations.onnx_explain(served.model, served.plan, *asked))


def assigned_model(served: Served, rows: pd.DataFrame) -> pd.Series:
    """Return the model that a key of a task's traffic is assigned to; the columns are task and key.

    A key always has the same bucket, and each bucket belongs to one model.
    """
    answers = []
    for task, key in zip(rows[0], rows[1], strict=True):
        champion = served.stamp["words"].get(f"champion of {task}")
        text = f"{task}|{'' if pd.isna(key) else key}"
        bucket = int(hashlib.md5(text.encode()).hexdigest()[:8], 16) % 10_000
        assigned = [
            model_id
            for name, model_id, first, last in served.stamp["assignments"]
            if name == task and first <= bucket <= last
        ]
        answers.append((assigned or [champion])[0] if champion else None)
    return pd.Series(answers, dtype=object)


def check_features(served: Served, rows: pd.DataFrame) -> pd.Series:
    """Return sentences on what is wrong or unusual; the columns are model and features."""
    findings = [
        _findings(served, asked, as_list(features))
        for asked, features in zip(rows[0], rows[1], strict=True)
    ]
    return pd.Series(findings, dtype=object)


def _findings(served: Served, asked: str | None, features: list | None) -> list[str]:
    model_id = served.known(asked)
    inputs = served.stamp["models"][model_id]["inputs"]
    given = [None] * len(inputs) if features is None else features
    if len(given) != len(inputs):
        raise ModelError(
            f"check_features: model {model_id} takes {len(inputs)} features, got {len(given)}: "
            "see select inputs from ml.model_versions"
        )
    found = []
    for place, (one, value) in enumerate(zip(inputs, given, strict=True)):
        name, _, _ = one["name"].partition("=")
        # A missing one-hot group is reported once.
        is_told = place > 0 and inputs[place - 1]["name"].partition("=")[0] == name
        if value is None and not is_told:
            found.append(f"{name} is missing")
        elif value is not None and (finding := _finding(one, float(value))):
            found.append(finding)
    return found


def _finding(one: dict, value: float) -> str | None:
    if not np.isfinite(value):
        return f"{one['name']} is not a finite number"
    if abs(value) > LARGEST:
        return f"{one['name']} is {value}, beyond 1e15"
    if one["minimum"] is None:  # the model has no examples
        return None
    floats = np.float64 if one.get("type") == "float64" else np.float32
    low, high = floats(one["minimum"]), floats(one["maximum"])
    if not low <= floats(value) <= high:
        return f"{one['name']} is {value}, outside the range seen in training, {low!s} to {high!s}"
    return None


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)


def _lists(column: pd.Series, type: pa.DataType) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array([as_list(value) for value in column], type)])


def _texts(column: pd.Series) -> pa.ChunkedArray:
    return _chunked(column, pa.string())


def _chunked(column: pd.Series, type: pa.DataType) -> pa.ChunkedArray:
    values = [None if pd.isna(value) else value for value in column]
    return pa.chunked_array([pa.array(values, type)])


def _series(answers: pa.Array) -> pd.Series:
    return pd.Series(answers.to_pylist(), dtype=object)
