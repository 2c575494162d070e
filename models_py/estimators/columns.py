"""Rows with text as rows of numbers, for estimators that were fitted on data frames.

A column of text becomes a one-hot group, see `models_py.columns`. A transformer of text, such as
OneHotEncoder, OrdinalEncoder, TargetEncoder or a pipeline of an imputer and an encoder, gives a
finite number of answers: one for each text that it knows, one for missing ones, and one for all
others. So it is replaced by a table of its answers, and what follows is an estimator of numbers.
"""

import copy
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, TargetEncoder
from sklearn.utils._indexing import _get_column_indices

from models_py.columns import another, group, member, missing
from models_py.estimators.errors import UnsupportedError

# The attributes of transformers that have an entry for each column.
COLUMN_LISTS = {
    OneHotEncoder: (
        "categories_",
        "drop_idx_",
        "_drop_idx_after_grouping",
        "_infrequent_indices",
        "_default_to_infrequent_mappings",
        "_n_features_outs",
    ),
    OrdinalEncoder: ("categories_", "_infrequent_indices", "_default_to_infrequent_mappings"),
    SimpleImputer: ("statistics_",),
}
# Transformers that treat all texts alike that they do not know.
ENCODERS = (OneHotEncoder, OrdinalEncoder, TargetEncoder, SimpleImputer)
# No column of text has this text.
OTHER_TEXT = "\u0001 another text"
MAX_TEXTS = 1_000


@dataclass(frozen=True)
class Column:
    """A column of the examples.

    Attributes:
        name: its name.
        texts: the values of a column of text that have an input, in order: strings, then possibly
            None for missing ones, and OTHER_TEXT for all others. None for numbers.
    """

    name: str
    texts: tuple | None = None

    @property
    def inputs(self) -> list[str]:
        """The names of the inputs that it becomes."""
        if self.texts is None:
            return [self.name]
        return [self._input(text) for text in self.texts]

    def _input(self, text: Any) -> str:
        if text is None:
            return missing(self.name)
        return another(self.name) if text == OTHER_TEXT else member(self.name, text)


class Table(TransformerMixin, BaseEstimator):
    """A transformer of one-hot groups (n, k): the answers of a transformer of text.

    Attributes:
        weights: shape (k, m); what each input gives, 0 for outputs of other columns, NaN for a
            missing number.
    """

    def __init__(self, weights: np.ndarray | None = None):
        """Take the answers."""
        self.weights = weights
        self.n_features_in_ = 0 if weights is None else len(weights)

    def fit(self, rows: np.ndarray, labels: None = None) -> "Table":
        """Do nothing: the answers are known."""
        return self


class Pick(TransformerMixin, BaseEstimator):
    """A transformer that takes some of the columns, in an order of its own.

    Attributes:
        places: the columns, from 0.
    """

    def __init__(self, places: Sequence[int] = ()):
        """Take the columns."""
        self.places = places

    def fit(self, rows: np.ndarray, labels: None = None) -> "Pick":
        """Do nothing: the columns are known."""
        return self


@dataclass(frozen=True)
class Frame:
    """How rows of numbers are made from a data frame, and back.

    Attributes:
        columns: the columns in order.
        missing_text: what stands for a missing text: None or NaN.
        is_frame: whether the estimator takes a data frame; otherwise an array of objects.
        order: the names of all columns as the examples have them.
        unused: values of columns of text that the estimator drops.
    """

    columns: tuple[Column, ...]
    missing_text: Any
    is_frame: bool
    order: tuple[Any, ...]
    unused: dict[str, Any]

    @property
    def inputs(self) -> list[str]:
        """The names of all inputs."""
        return [name for column in self.columns for name in column.inputs]

    @property
    def _labels(self) -> dict[str, Any]:
        """The columns as the examples name them, which may be numbers."""
        return {str(label): label for label in self.order}

    @property
    def groups(self) -> list[list[int]]:
        """The places of the inputs of each one-hot group."""
        return [places for column, places in self.places() if column.texts is not None]

    def places(self) -> list[tuple[Column, list[int]]]:
        """Return each column with the places of its inputs."""
        found, start = [], 0
        for column in self.columns:
            count = len(column.inputs)
            found.append((column, list(range(start, start + count))))
            start += count
        return found

    def encoded(self, frame: Any) -> np.ndarray:
        """Return rows (n, k) of numbers; a text that has no input gives zeros."""
        parts = []
        for column in self.columns:
            values = frame[self._labels[column.name]]
            if column.texts is None:
                parts.append(np.asarray(values, dtype=np.float64)[:, None])
                continue
            texts = np.where(values.isna(), None, values.astype(object))
            known = {text: place for place, text in enumerate(column.texts)}
            other = known.get(OTHER_TEXT, -1)
            places = np.array([known.get(text, other) for text in texts])
            parts.append((places[:, None] == np.arange(len(column.texts))).astype(np.float64))
        return np.hstack(parts)

    def decoded(self, rows: np.ndarray) -> Any:
        """Return the data frame, or the array of objects, of rows (n, k) of numbers."""
        import pandas as pd  # whoever registers an estimator of text has it

        values = {}
        for column, places in self.places():
            if column.texts is None:
                values[column.name] = rows[:, places[0]]
                continue
            texts = [self.missing_text if text is None else text for text in column.texts]
            values[column.name] = pd.Series(
                np.array(texts, dtype=object)[rows[:, places].argmax(axis=1)], dtype=object
            )
        values |= self.unused
        frame = pd.DataFrame({name: values[str(name)] for name in self.order})
        return frame if self.is_frame else frame.to_numpy(dtype=object)


def text_columns(frame: Any) -> list[str]:
    """Return the columns of a data frame that hold text.

    Raises:
        UnsupportedError: a column holds neither numbers nor text.
    """
    import pandas as pd

    found = []
    for name, type in frame.dtypes.items():
        values = frame[name]
        if pd.api.types.is_bool_dtype(type) or pd.api.types.is_numeric_dtype(type):
            continue
        known = values.dropna()
        if known.map(lambda value: isinstance(value, bool | int | float | np.number)).all():
            continue
        if not known.map(lambda value: isinstance(value, str)).all():
            raise UnsupportedError(
                f"column {name} has values of type {type}, and inputs are numbers or text: "
                "convert it before you fit"
            )
        found.append(name)
    return found


def of_numbers(estimator: Any, frame: Any) -> tuple[Any, Frame]:
    """Return an equal estimator of numbers, for conversion only, and how to encode its rows.

    Args:
        estimator: fitted on data frames; columns of text have transformers at the beginning.
        frame: examples.

    Raises:
        UnsupportedError: a column of text has no transformer, or one that mixes columns.
    """
    texts = set(text_columns(frame))
    names = list(frame.columns)
    for name in names:
        if name not in texts and group(str(name)) is not None:
            raise UnsupportedError(
                f"the column of numbers {name!r} has the name of an input of a column of text: "
                "rename it"
            )
    missing_text = _missing_text(frame[list(texts)])
    is_frame = getattr(estimator, "feature_names_in_", None) is not None
    head, rest = _split(estimator, frame)
    if head is None:
        if texts:
            raise UnsupportedError(_no_encoder(min(texts)))
        columns = tuple(Column(str(name)) for name in names)
        return estimator, Frame(columns, missing_text, is_frame, tuple(names), {})
    known: dict[str, tuple] = {}
    parts = []
    for name, transformer, taken in head:
        own = [column for column in taken if column in texts]
        if not own:
            parts.append((name, transformer, taken))
            continue
        if transformer == "passthrough":
            raise UnsupportedError(_no_encoder(own[0]))
        if len(own) < len(taken):
            for place, column in enumerate(taken):
                part = _of_column(transformer, place, own[0])
                if column in texts:
                    values = _Values(part, frame[[column]], missing_text, is_frame)
                    known[column] = values.texts[0]
                    part = Table(values.weights())
                parts.append((f"{name}_{place}", part, [column]))
            continue
        values = _Values(transformer, frame[taken], missing_text, is_frame)
        known |= dict(zip(taken, values.texts, strict=True))
        parts.append((name, Table(values.weights()), taken))
    columns = tuple(
        Column(str(name), known.get(name)) for name in names if name in known or name not in texts
    )
    unused = {str(name): frame[name].iloc[0] for name in texts if name not in known}
    encoding = Frame(columns, missing_text, is_frame, tuple(names), unused)
    places = {column.name: found for column, found in encoding.places()}
    numbered = [
        (name, transformer, [place for column in taken for place in places[str(column)]])
        for name, transformer, taken in parts
    ]
    return _joined(numbered, rest, len(encoding.inputs)), encoding


def _no_encoder(column: str) -> str:
    return (
        f"the column of text {column} reaches the estimator as it is: give it an encoder, such as "
        "OneHotEncoder in a ColumnTransformer"
    )


def _missing_text(frame: Any) -> Any:
    """Return what the examples have for a missing text: None or NaN."""
    for column in frame.columns:
        values = frame[column].astype(object)
        found = values[values.isna()]
        if len(found):
            return found.iloc[0]
    return np.nan


def _split(estimator: Any, frame: Any) -> tuple[list[tuple] | None, list[tuple]]:
    """Return the transformers of the columns, and the steps after them.

    The first is None if the estimator does not begin with transformers.
    """
    steps = estimator.steps if isinstance(estimator, Pipeline) else [("only", estimator)]
    while isinstance(steps[0][1], Pipeline):
        steps = [*steps[0][1].steps, *steps[1:]]
    (name, first), *rest = steps
    if isinstance(first, ENCODERS):
        while rest and isinstance(rest[0][1], ENCODERS):  # an imputer before an encoder
            first = Pipeline([("first", first), rest.pop(0)])
    if isinstance(first, ColumnTransformer):
        return [
            (name, transformer, [frame.columns[place] for place in _get_column_indices(frame, own)])
            for name, transformer, own in first.transformers_
            if not isinstance(transformer, str) or transformer == "passthrough"
        ], rest
    if rest and hasattr(first, "transform") and text_columns(frame):
        return [(name, first, list(frame.columns))], rest
    if hasattr(first, "transform") and not hasattr(first, "predict") and text_columns(frame):
        return [(name, first, list(frame.columns))], rest
    return None, []


class _Values:
    """All answers of a transformer of text.

    Attributes:
        texts: for each column, the values that it answers, see `Column`.
    """

    def __init__(self, transformer: Any, frame: Any, missing_text: Any, is_frame: bool):
        _refuse_other_encoders(transformer)
        self._transformer = transformer
        self._columns = list(frame.columns)
        self._missing = missing_text
        self._is_frame = is_frame
        known = [_known_texts(transformer, frame, place) for place in range(len(self._columns))]
        self._base = [texts[0] for texts in known]
        self.texts = [
            (*texts, *(one for one in (None, OTHER_TEXT) if self._is_answered(place, one)))
            for place, texts in enumerate(known)
        ]

    def weights(self) -> np.ndarray:
        """Return the answers (k, m) to each text, see `Table`.

        Raises:
            UnsupportedError: an answer depends on two columns.
        """
        base = self._transformed([self._base])
        answers = [
            self._transformed([self._row(place, text) for text in texts])
            for place, texts in enumerate(self.texts)
        ]
        depends = np.array([[~_same(part, base).all(axis=0)] for part in answers])[:, 0]
        if (depends.sum(axis=0) > 1).any():
            raise UnsupportedError(
                f"{type(self._transformer).__name__} mixes the columns of text "
                f"{', '.join(map(str, self._columns))}: use an encoder that takes each by itself"
            )
        owner = depends.argmax(axis=0)  # outputs that never change belong to the first column
        return np.concatenate(
            [np.where(owner == place, part, 0.0) for place, part in enumerate(answers)]
        )

    def _row(self, place: int, text: Any) -> list:
        row = list(self._base)
        row[place] = self._missing if text is None else text
        return row

    def _is_answered(self, place: int, text: Any) -> bool:
        try:
            self._transformed([self._row(place, text)])
        except (ValueError, TypeError):  # what encoders raise for unknown values
            return False
        return True

    def _transformed(self, rows: Sequence[list]) -> np.ndarray:
        import pandas as pd

        frame = pd.DataFrame(np.array(rows, dtype=object), columns=self._columns, dtype=object)
        given = frame if self._is_frame else frame.to_numpy(dtype=object)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of unknown categories
            found = self._transformer.transform(given)
        found = found.toarray() if hasattr(found, "toarray") else np.asarray(found)
        return found.astype(np.float64)


def _refuse_other_encoders(transformer: Any) -> None:
    """Refuse steps that may answer differently for texts that no example has.

    Raises:
        UnsupportedError: a step is none of ENCODERS.
    """
    for step in (
        [step for _, step in transformer.steps]
        if isinstance(transformer, Pipeline)
        else [transformer]
    ):
        if not isinstance(step, ENCODERS):
            known = ", ".join(one.__name__ for one in ENCODERS)
            raise UnsupportedError(
                f"a column of text goes through {type(step).__name__}, whose answers for all other "
                f"texts are unknown: use {known} or a Pipeline of them, and prepare texts before"
            )
        if isinstance(step, SimpleImputer) and not _is_nothing(step.missing_values):
            raise UnsupportedError(
                "SimpleImputer takes only NaN or None as missing here: fit it without other "
                "missing_values"
            )


def _is_nothing(value: Any) -> bool:
    return value is None or value != value


def _of_column(transformer: Any, place: int, text: str) -> Any:
    """Return the part of a fitted transformer for one of its columns.

    Raises:
        UnsupportedError: its columns cannot be taken apart.
    """
    if isinstance(transformer, Pipeline):
        steps = [(name, _of_column(step, place, text)) for name, step in transformer.steps]
        return Pipeline(steps)
    lists = COLUMN_LISTS.get(type(transformer))
    if lists is None or getattr(transformer, "add_indicator", False):
        raise UnsupportedError(
            f"one transformer takes text ({text}) and numbers together: give the columns of text a "
            "transformer of their own"
        )
    part = copy.copy(transformer)
    part.n_features_in_ = 1
    if hasattr(part, "feature_names_in_"):
        part.feature_names_in_ = transformer.feature_names_in_[place : place + 1]
    for name in lists:
        values = getattr(transformer, name, None)
        if values is not None:
            setattr(part, name, values[place : place + 1])
    if hasattr(part, "_missing_indices"):
        found = transformer._missing_indices
        part._missing_indices = {0: found[place]} if place in found else {}
    return part


def _same(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return (first == second) | (np.isnan(first) & np.isnan(second))


def _known_texts(transformer: Any, frame: Any, place: int) -> list[str]:
    """Return the texts that a column may have: those of the examples and of the encoder."""
    found = {str(text) for text in frame.iloc[:, place].dropna()}
    steps = transformer.steps if isinstance(transformer, Pipeline) else [("only", transformer)]
    for _, step in steps:
        categories = getattr(step, "categories_", None)
        if categories is not None and len(categories) == frame.shape[1]:
            found |= {text for text in categories[place] if isinstance(text, str)}
    if len(found) > MAX_TEXTS:
        raise UnsupportedError(
            f"the column {frame.columns[place]} has {len(found)} texts, and at most {MAX_TEXTS} "
            "can become inputs: group rare ones, as min_frequency of OneHotEncoder does"
        )
    return sorted(found)


def in_order_of_fit(estimator: Any, frame: Any) -> Any:
    """Return a data frame with its columns in the order of the estimator's.

    Raises:
        UnsupportedError: the estimator was fitted on other columns.
    """
    names = getattr(estimator, "feature_names_in_", getattr(estimator, "feature_names_", None))
    if names is None or list(map(str, names)) == [str(place) for place in range(len(names))]:
        return frame
    lacking = [str(name) for name in names if name not in frame.columns]
    if lacking:
        raise UnsupportedError(
            f"it was fitted on the columns {', '.join(map(str, names))}, and the examples lack "
            f"{', '.join(lacking)}: give a data frame like that of the fit"
        )
    return frame[list(names)]


def _joined(transformers: list[tuple], rest: list[tuple], width: int) -> Any:
    """Return a fitted pipeline of numbers, from transformers with the places of their columns."""
    everything = list(range(width))
    parts = []
    for name, transformer, places in transformers:
        # skl2onnx ignores the order of places if they are all columns.
        steps = [("pick", Pick(places))]
        if transformer != "passthrough":
            steps.append(("transform", transformer))
        parts.append((name, Pipeline(steps), everything))
    head = ColumnTransformer(parts)
    head.transformers_ = parts
    head.sparse_output_ = False
    head.n_features_in_ = width
    return Pipeline([("columns", head), *rest]) if rest else head
