"""What a case is: a model that somebody else could have made, and how its source answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.estimators.rows import NAMES, unseen

Function = Callable[[Any], np.ndarray]
# The methods of an estimator whose answers may be the scores of its graph.
METHODS = (
    "predict_proba",
    "decision_function",
    "transform",
    "predict",
    "score_samples",
    "kneighbors",
)


@dataclass(frozen=True)
class Subject:
    """A fitted model, ready to be registered and asked."""

    model: Any  # an estimator, or the bytes of an ONNX file
    examples: Any  # the rows it was trained on: a matrix or a DataFrame
    unseen: Any  # rows of the same kind that it has not seen
    answers: Mapping[str, Function]  # the source's own answers; the scores may be any of them
    predict: Function | None = None  # the labels that the source predicts, as texts
    labels: Sequence[str] | None = None  # given to classes that are numbers
    expected: Function | None = None  # which of the answers are given with a file

    @property
    def inputs(self) -> list[str]:
        """The names of the inputs in order."""
        if hasattr(self.examples, "columns"):
            return list(self.examples.columns)
        width = self.examples.shape[1]
        return NAMES if width == len(NAMES) else [f"x{i}" for i in range(width)]


class NotExportedError(Exception):
    """The tool that makes a file does not export the model."""


@dataclass(frozen=True)
class Case:
    """A named way to make a model; `reason` says why it is not tried."""

    family: str
    name: str
    make: Callable[[], Subject] | None = field(repr=False, default=None)
    reason: str | None = None


def subject(
    source: Any,
    examples: Any,
    new: Any = None,
    labels: Sequence[str] | None = None,
    content: bytes | None = None,
) -> Subject:
    """Return the subject of a fitted estimator.

    Args:
        source: the estimator.
        examples: what it was trained on.
        new: unseen rows; by default they are generated.
        labels: names for classes that are numbers.
        content: its ONNX file, to register that in the place of the estimator.
    """
    answers = {name: _method(source, name) for name in METHODS if hasattr(source, name)}
    return Subject(
        content or source,
        examples,
        unseen(examples) if new is None else new,
        answers,
        _labels(source, labels) if hasattr(source, "classes_") else None,
        labels,
    )


def _method(source: Any, name: str) -> Function:
    """Return a method whose answers are a matrix of numbers."""

    def answer(rows: Any) -> np.ndarray:
        found = getattr(source, name)(rows)
        if name == "kneighbors":
            found = found[0]  # the distances
        if isinstance(found, list):  # the probabilities of false and true for each output
            found = np.column_stack([part[:, -1] for part in found])
        if hasattr(found, "toarray"):
            found = found.toarray()
        return np.asarray(found, dtype=float).reshape(len(rows), -1)

    return answer


def _labels(source: Any, names: Sequence[str] | None) -> Function:
    """Return the labels that a classifier predicts; several of a row are joined by a plus."""

    def predict(rows: Any) -> np.ndarray:
        found = np.asarray(source.predict(rows))
        if found.ndim == 2 and found.shape[1] > 1:
            known = np.array(names or [f"label_{place + 1}" for place in range(found.shape[1])])
            return np.array(["+".join(known[flags == 1]) for flags in found])
        found = found.reshape(len(rows))
        if names:
            found = np.array(names)[np.searchsorted(source.classes_, found)]
        texts = found.astype(str)
        return np.char.lower(texts) if found.dtype == bool else texts

    return predict
