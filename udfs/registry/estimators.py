"""Export a fitted estimator, and check that its graph answers as the estimator does.

The graph takes float32 features if it then answers alike on all rows that are compared, and if SQL
can evaluate it; else it takes float64. The rows are the examples and those of
`udfs.registry.probes`.
"""

import json
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from models_py.agreement import difference
from udfs.errors import ModelError
from udfs.registry.examples import as_frame, matrix
from udfs.registry.probes import EXAMPLES, Compared, rows_to_compare, spread
from udfs.registry.sandbox import validated_in_sandbox
from udfs.registry.validation import TIE, Given, Graph, is_likeliest
from udfs.runtime.sessions import Model

if TYPE_CHECKING:  # models_py.estimators needs scikit-learn, which may be absent
    from models_py.estimators.answers import Answerer
    from models_py.estimators.columns import Frame

# The largest difference from the estimator, relative to the size of the answer.
TOLERANCE = 1e-5
# Rows on which one input after the other is left out.
MISSING_ROWS = 50
# With more inputs, only those that are missing in an example are tried.
MOST_TRIED = 200


@dataclass(frozen=True)
class Exported:
    """A graph that answers as its estimator.

    Attributes:
        graph: the graph.
        inputs: the names of its features; None if the estimator has none.
        labels: its classes, as texts; None for numbers.
        answer: what its scores mean, see `models_py.estimators.answers`.
        rows: the examples as features (n, k).
        algorithm: a name from the estimator's class.
        parity: the largest relative difference from the estimator.
        config: its description as JSON.
    """

    graph: Graph
    inputs: list[str] | None
    labels: list[str] | None
    answer: str
    rows: np.ndarray
    algorithm: str
    parity: float
    config: str


def exported(estimator: Any, examples: Any, inputs: Sequence[str] | None) -> Exported:
    """Return the graph of a fitted estimator, checked against it.

    Raises:
        ModelError: it cannot be exported, or its graph answers otherwise; the message says why.
    """
    # Imported here because these packages are not installed where models are only served.
    from sklearn.model_selection._search import BaseSearchCV

    from models_py.estimators import answers
    from models_py.estimators.errors import UnsupportedError

    name = type(estimator).__name__
    if isinstance(estimator, BaseSearchCV) and hasattr(estimator, "best_estimator_"):
        estimator = estimator.best_estimator_
    try:
        source = _Source(estimator, answers.answerer(estimator), examples, inputs)
        source.scores(spread(source.rows, 2))
    except UnsupportedError as error:
        raise ModelError(f"the {name} was not stored: {error}") from error
    except ModelError:
        raise
    except Exception as error:  # whatever an estimator raises for rows that are not its own
        said = f"{type(error).__name__}: {error}"
        raise ModelError(
            f"the {name} was not stored: it does not answer the examples ({said[:200]}): give rows "
            "as it was fitted on"
        ) from error
    found, failures = [], []
    for is_double in (False, True):
        try:
            found.append(_checked(source, is_double))
        except _Differs as error:
            failures.append(str(error))
        except UnsupportedError as error:
            raise ModelError(f"the {name} was not stored: {error}") from error
        except ModelError:
            raise
        except Exception as error:  # whatever an estimator raises for rows made from the examples
            said = " ".join(f"{type(error).__name__}: {error}".split())
            failures.append(f"it does not answer rows like the examples ({said[:200]})")
        if found and found[-1].graph.portable is not None:
            return found[-1]
    if found:
        return found[0]
    reasons = "; ".join(dict.fromkeys(failures))
    raise ModelError(
        f"the {name} was not stored: {reasons}. Export it with another tool, and give the bytes "
        "with examples and expected, its answers to them"
    )


class _Differs(Exception):
    """A graph cannot be made, or answers otherwise than its estimator."""


class _Source:
    """An estimator with its examples as rows of numbers."""

    def __init__(
        self, estimator: Any, answerer: "Answerer", examples: Any, inputs: Sequence[str] | None
    ):
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
        return [] if self.frame is None else self.frame.groups

    def decoded(self, rows: np.ndarray) -> Any:
        return rows if self.frame is None else self.frame.decoded(rows)

    def scores(self, rows: np.ndarray) -> np.ndarray:
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


def _checked(source: _Source, is_double: bool) -> Exported:
    content = _content(source, is_double)
    beside = source.compared
    missing = source.missing()
    graph = _validated(source, content, beside.rows, missing)
    refused = _wrong_without(source, graph, missing)
    if refused:
        needed = np.flatnonzero(np.isnan(source.rows).any(axis=0))
        if set(refused) & set(needed):
            name = source.inputs or [f"number {place + 1}" for place in range(graph.inputs)]
            raise _Differs(
                f"its ONNX graph differs from it where input {name[refused[0]]} is missing"
            )
        missing = [place for place in missing if place not in refused]
        graph = _validated(source, content, beside.rows, missing)
    rows = np.concatenate([beside.rows, source.without(missing)])
    parity = _parity(source, graph, rows, beside)
    return Exported(
        graph,
        source.inputs,
        source.answerer.texts,
        source.answer(graph),
        source.rows,
        re.sub(r"(?<=[a-z])(?=[A-Z])", "_", source.name).lower(),
        parity,
        json.dumps({"estimator": repr(source.estimator)}),
    )


def _validated(source: _Source, content: bytes, rows: np.ndarray, missing: list[int]) -> Graph:
    names = source.inputs or [f"input_{place + 1}" for place in range(rows.shape[1])]
    try:
        given = Given(
            rows,
            names,
            source.answerer.classes,
            missing,
            source.keeps_label,
            source.answerer.threshold,
        )
        return validated_in_sandbox(content, given)
    except ModelError as error:
        raise _Differs(str(error).removeprefix("the model was not stored: ")) from error


def _content(source: _Source, is_double: bool) -> bytes:
    from models_py.estimators.conversion import to_onnx
    from models_py.estimators.errors import UnsupportedError

    try:
        return to_onnx(source.numeric, source.rows.shape[1], is_double, source.answerer)
    except UnsupportedError:
        raise
    except Exception as error:  # the converters raise errors of many kinds
        said = " ".join(str(error).split())
        raise _Differs(f"it has no complete ONNX form ({said[:200]})") from error


def _wrong_without(source: _Source, graph: Graph, missing: list[int]) -> list[int]:
    """Return the inputs without which the graph answers otherwise than the estimator."""
    found = []
    for place in missing:
        rows = spread(source.rows, MISSING_ROWS).copy()
        rows[:, place] = np.nan
        scores = _run(graph, rows)[:, : graph.outputs - graph.has_label]
        if not (difference(scores, source.scores(rows)) <= TOLERANCE).all():
            found.append(place)
    return found


def _run(graph: Graph, rows: np.ndarray) -> np.ndarray:
    model = Model("to be registered", graph.content)
    with np.errstate(over="ignore"):
        features: np.ndarray = rows.astype(model.floats)
    return model.run(["scores"], {"features": features})[0].astype(np.float64)


def _parity(source: _Source, graph: Graph, rows: np.ndarray, beside: Compared) -> float:
    """Return the largest difference from the estimator.

    Raises:
        _Differs: it is more than TOLERANCE, or a label is another.
    """
    expected = source.scores(rows)
    found = _run(graph, rows)
    scores = found[:, : graph.outputs - graph.has_label]
    if scores.shape != expected.shape:
        raise _Differs(
            f"its ONNX graph gives {scores.shape[1]} scores and the estimator {expected.shape[1]}"
        )
    differences = difference(scores, expected)
    if source.answerer.is_coupled:
        differences[beside.at_jumps] = 0
    if source.answerer.has_ties:
        differences[beside.at_round] = 0
    worst = float(differences.max())
    if not worst <= TOLERANCE:
        row = int(differences.max(axis=1).argmax())
        raise _Differs(
            f"its ONNX graph differs from it by {worst:.2e} for the inputs "
            f"{rows[row].tolist()[:20]}, and {TOLERANCE} is allowed"
        )
    _compare_labels(source, graph, rows, found, expected, beside)
    _compare_given(source, graph)
    return worst


def _compare_given(source: _Source, graph: Graph) -> None:
    """Compare the graph with the estimator on the examples as they were given.

    Raises:
        _Differs: they differ, such as for None, which the estimator takes otherwise than NaN.
    """
    if source.given is None:
        return
    places = np.unique(np.linspace(0, len(source.given) - 1, EXAMPLES).round().astype(int))
    given = source.given.iloc[places]
    if source.frame is not None and not source.frame.is_frame:
        given = given.to_numpy(dtype=object)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = source.answerer.scores(source.estimator, given)
    scores = _run(graph, source.rows[places])[:, : graph.outputs - graph.has_label]
    wrong = difference(scores, expected).max(axis=1) > TOLERANCE
    if wrong.any():
        raise _Differs(
            f"its ONNX graph differs from it for the example number {places[wrong.argmax()]}: "
            "missing values may be None in one place and NaN in another"
        )


def _compare_labels(
    source: _Source,
    graph: Graph,
    rows: np.ndarray,
    found: np.ndarray,
    expected: np.ndarray,
    beside: Compared,
) -> None:
    labels = source.labels(rows)
    if labels is None or expected.shape[1] == 1:
        return
    if source.answerer.answer == "labels":
        is_same = ((expected > 0.5) == labels) | (np.abs(expected - 0.5) <= TIE)
        if not is_same.all():
            raise _Differs("its labels are not those with a probability above one half")
        return
    ordered = np.sort(expected, axis=1)
    is_open = ordered[:, -1] - ordered[:, -2] <= TIE * np.maximum(np.abs(ordered).max(axis=1), 1)
    if graph.has_label:  # a label of its own, whose border float32 cannot hit exactly
        is_open = np.zeros(len(rows), dtype=bool)
        is_open[beside.at_jumps] = True
    if source.answerer.has_ties:
        is_open[beside.at_round] = True
    places = found[:, -1] if graph.has_label else found.argmax(axis=1)
    wrong = (places != labels) & ~is_open
    if wrong.any():
        row = int(wrong.argmax())
        raise _Differs(
            f"the label of its ONNX graph is another one in {wrong.sum()} of {len(rows)} rows, "
            f"such as for the inputs {rows[row].tolist()[:20]}"
        )
