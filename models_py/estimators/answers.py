"""What a fitted estimator answers: its scores as numbers, and its labels.

| estimator | scores (n, m) | answer |
|---|---|---|
| classifier | predict_proba, else decision_function, else 1 for the label, 0 for others | label |
| classifier of several labels | probability of each label | labels |
| regressor | predict | number, or numbers if m > 1 |
| transformer | transform | number or numbers |
| clusterer | predict_proba, else the number of the cluster | label, else number |
| outlier detector | decision_function: negative for an outlier | number |
"""

from dataclasses import dataclass
from numbers import Number
from typing import Any

import numpy as np
from sklearn.base import is_clusterer, is_outlier_detector
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.multiclass import OneVsOneClassifier
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC, NuSVC
from sklearn.utils.validation import check_is_fitted

from models_py.estimators.errors import UnsupportedError


@dataclass(frozen=True)
class Answerer:
    """How to ask an estimator.

    Attributes:
        method: the name of the method that gives its scores.
        answer: what the scores mean: number, numbers, label or labels.
        labels: the classes in the order of the scores; None for numbers.
        threshold: the score of the second class from which it is the label, if the estimator has a
            threshold of its own.
        is_coupled: whether pairs of classes are weighed against each other, so that the scores jump
            where the last digit of a sum decides: no copy does so at the same number.
        has_ties: whether neighbors at the same distance are chosen by chance.
        prefix: what stands before the labels in their names.
    """

    method: str
    answer: str
    labels: list | None = None
    threshold: float | None = None
    is_coupled: bool = False
    has_ties: bool = False
    prefix: str = ""

    @property
    def texts(self) -> list[str] | None:
        """The names of the labels."""
        if self.labels is None:
            return None
        is_boolean = all(isinstance(label, bool | np.bool_) for label in self.labels)
        texts = [str(label).lower() if is_boolean else str(label) for label in self.labels]
        return [f"{self.prefix}{text}" for text in texts]

    @property
    def classes(self) -> list[str | int] | None:
        """The labels as the graph gives them: whole numbers or texts."""
        if self.labels is None:
            return None
        is_number = all(isinstance(one, Number | np.bool_) for one in self.labels)
        return [int(one) if is_number else str(one) for one in self.labels]

    def scores(self, estimator: Any, rows: Any) -> np.ndarray:
        """Return the scores (n, m) of rows as float64."""
        found = getattr(estimator, self.method)(rows)
        if self.answer == "label" and self.method == "predict":
            return (np.asarray(found).ravel()[:, None] == np.array(self.labels)).astype(np.float64)
        if isinstance(found, list):  # a probability of each label
            found = np.column_stack([part[:, -1] for part in found])
        if hasattr(found, "toarray"):
            found = found.toarray()
        found = np.asarray(found, dtype=np.float64).reshape(len(rows), -1)
        if self.answer == "label" and found.shape[1] == 1 and self.method == "decision_function":
            return np.hstack([-found, found])  # one number for two classes
        return found


def answerer(estimator: Any) -> Answerer:
    """Return how to ask a fitted estimator.

    Raises:
        UnsupportedError: it is not fitted, or has none of the methods above.
    """
    try:
        check_is_fitted(estimator)
    except (NotFittedError, TypeError) as error:
        raise UnsupportedError("it is not a fitted estimator: fit it first") from error
    if len(getattr(estimator, "classes_", ())) and hasattr(estimator, "predict"):
        return _of_classifier(estimator)
    if is_outlier_detector(estimator):
        return Answerer("decision_function", "number")
    if is_clusterer(estimator) or _is_mixture(estimator):
        if hasattr(estimator, "predict_proba"):
            clusters = list(range(estimator.n_components))
            return Answerer("predict_proba", "label", clusters, prefix="cluster_")
        return Answerer("predict", "number")
    for method in ("predict", "transform"):
        if hasattr(estimator, method):
            return Answerer(method, "numbers", has_ties=_has_ties(estimator))
    raise UnsupportedError("it has neither predict nor transform")


def _of_classifier(estimator: Any) -> Answerer:
    classes = estimator.classes_
    methods = ("predict_proba", "decision_function", "predict")
    method = next(one for one in methods if hasattr(estimator, one))
    if isinstance(classes, list):
        if any(len(labels) != 2 for labels in classes):
            raise UnsupportedError(
                "it predicts several labels of more than two classes: register an estimator for "
                "each label"
            )
        return Answerer(method, "labels", list(range(1, len(classes) + 1)), prefix="label_")
    if _is_multilabel(_last(estimator)):
        return Answerer(method, "labels", list(classes), prefix="label_")
    threshold = None
    if isinstance(_last(estimator), TunedThresholdClassifierCV):
        threshold = float(_last(estimator).best_threshold_)
    if isinstance(_last(estimator), FixedThresholdClassifier):
        default = 0.5 if method == "predict_proba" else 0.0
        given = _last(estimator).threshold
        threshold = default if given == "auto" else float(given)
    is_coupled = isinstance(_last(estimator), SVC | NuSVC | OneVsOneClassifier)
    return Answerer(method, "label", list(classes), threshold, is_coupled, _has_ties(estimator))


def _has_ties(estimator: Any) -> bool:
    return type(_last(estimator)).__module__.startswith("sklearn.neighbors")


def _last(estimator: Any) -> Any:
    """Return the last step of a pipeline, or the estimator itself."""
    return _last(estimator.steps[-1][1]) if isinstance(estimator, Pipeline) else estimator


def _is_multilabel(estimator: Any) -> bool:
    """Return whether the labels of a classifier do not exclude each other."""
    binarizer = getattr(estimator, "_label_binarizer", None)  # that of a net of scikit-learn
    is_net = getattr(binarizer, "y_type_", "") == "multilabel-indicator"
    return is_net or bool(getattr(estimator, "multilabel_", False))


def _is_mixture(estimator: Any) -> bool:
    return hasattr(estimator, "predict_proba") and hasattr(estimator, "n_components")
