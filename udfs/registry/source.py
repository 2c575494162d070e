"""A fitted estimator that can be asked with rows of numbers."""

import warnings
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from udfs.registry.examples import as_frame, matrix
from udfs.registry.probes import EXAMPLES, Compared, rows_to_compare, spread
from udfs.registry.validation import Graph, is_likeliest

if TYPE_CHECKING:  # models_py.estimators needs scikit-learn, which may be absent
    from models_py.estimators.answers import Answerer
    from models_py.estimators.columns import Frame

# Rows on which one input after the other is left out.
MISSING_ROWS = 50
# With more inputs, only those that are missing in an example are tried.
MOST_TRIED = 200


class Source:
    """An estimator with its examples as rows of numbers.

    Attributes:
        estimator: the estimator itself.
        answerer: how it is asked.
        numeric: an equal estimator of numbers, for conversion only.
        rows: the examples (n, k).
        given: the examples as a data frame; None for an array of numbers.
        frame: how rows become such a data frame; None for an array of numbers.
        inputs: the names of the k inputs; None if there are none.
    """

    def __init__(
        self, estimator: Any, answerer: "Answerer", examples: Any, inputs: Sequence[str] | None
    ):
        """Take an estimator and its examples.

        Raises:
            UnsupportedError: it cannot be asked with rows of numbers.
            ModelError: the examples are no such rows.
        """
        from models_py.estimators import columns

        self.estimator = estimator
        self.answerer = answerer
        self.name = type(estimator).__name__
        self.frame: Frame | None = None
        self.numeric = estimator
        self.given: Any = None
        frame = as_frame(examples, inputs)
        if frame is not None:
            frame = columns.in_order_of_fit(estimator, frame)
            self.given = frame
            self.numeric, self.frame = columns.of_numbers(estimator, frame)
            self.rows = self.frame.encoded(frame)
        else:
            self.rows = matrix(examples, self.name, estimator)
        self.inputs = self._names()

    def _names(self) -> list[str] | None:
        if self.frame is not None:
            return self.frame.inputs
        names = getattr(self.estimator, "feature_names_in_", None)
        return None if names is None else [str(name) for name in names]

    @property
    def groups(self) -> list[list[int]]:
        """The places of the inputs of each one-hot group."""
        return [] if self.frame is None else self.frame.groups

    def decoded(self, rows: np.ndarray) -> Any:
        """Return rows (n, k) of numbers as the estimator takes them."""
        return rows if self.frame is None else self.frame.decoded(rows)

    def scores(self, rows: np.ndarray) -> np.ndarray:
        """Return the scores (n, m) of rows (n, k) of numbers."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of names of features, among others
            return self.answerer.scores(self.estimator, self.decoded(rows))

    def answer(self, graph: Graph) -> str:
        """Return what the scores of its graph mean."""
        if self.answerer.answer == "numbers" and graph.outputs == 1:
            return "number"
        return self.answerer.answer

    @cached_property
    def compared(self) -> Compared:
        """The rows on which its graph is compared with it."""
        return rows_to_compare(self.rows, self.groups, self.all_answers)

    @cached_property
    def keeps_label(self) -> bool:
        """Whether its label is not always that of its largest score."""
        labels = self.labels(self.compared.rows)
        if labels is None or labels.ndim > 1:
            return False
        return not is_likeliest(self.scores(self.compared.rows), labels)

    def missing(self) -> list[int]:
        """Return the inputs without which the estimator answers."""
        grouped = {place for group in self.groups for place in group}
        width = self.rows.shape[1]
        places = [place for place in range(width) if place not in grouped]
        if width > MOST_TRIED:
            places = np.flatnonzero(np.isnan(self.rows).any(axis=0)).tolist()
        return [place for place in places if self._answers_without(place)]

    def _answers_without(self, place: int) -> bool:
        rows = spread(self.rows, MISSING_ROWS).copy()
        rows[:, place] = np.nan
        try:
            return bool(np.isfinite(self.scores(rows)).all())
        except Exception:  # whatever an estimator raises for a missing value
            return False

    def without(self, missing: list[int]) -> np.ndarray:
        """Return examples in which a fifth of these inputs is missing, and each of them once."""
        if not missing:
            return np.empty((0, self.rows.shape[1]))
        random = np.random.default_rng(1)
        rows = spread(self.rows, EXAMPLES).copy()
        chosen = random.random((len(rows), len(missing))) < 0.2
        rows[:, missing] = np.where(chosen, np.nan, rows[:, missing])
        return rows

    def labels(self, rows: np.ndarray) -> np.ndarray | None:
        """Return the place of the label (n,), or of each label (n, m); None for numbers."""
        if self.answerer.answer not in ("label", "labels") or not hasattr(
            self.estimator, "predict"
        ):
            return None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = np.asarray(self.estimator.predict(self.decoded(rows)))
        if self.answerer.answer == "labels":
            return found.astype(int)
        known = {str(label): place for place, label in enumerate(self.answerer.labels or [])}
        return np.array([known[str(label)] for label in found.ravel()])

    def all_answers(self, rows: np.ndarray) -> np.ndarray:
        """Return the scores and the labels as numbers."""
        labels = self.labels(rows)
        scores = self.scores(rows)
        if labels is None:
            return scores
        if labels.ndim == 1:
            labels = labels[:, None] == np.arange(len(self.answerer.labels or []))
        return np.hstack([scores, labels])
