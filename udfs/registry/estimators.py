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
from typing import Any

import numpy as np

from models_py.agreement import difference
from udfs.errors import ModelError
from udfs.registry.probes import EXAMPLES, Compared, spread
from udfs.registry.sandbox import validated_in_sandbox
from udfs.registry.source import MISSING_ROWS, Source
from udfs.registry.validation import TIE, Given, Graph
from udfs.runtime.sessions import Model

# The largest difference from the estimator, relative to the size of the answer.
TOLERANCE = 1e-5
# Rows on which the SQL backend is compared, evenly spaced among all that the graph is compared on.
TRIED = 300


@dataclass(frozen=True)
class Exported:
    """A graph that answers as its estimator.

    Attributes:
        graph: the graph.
        inputs: the names of its features; None if the estimator has none.
        labels: its classes, as texts; None for numbers.
        answer: what its scores mean, see `models_py.estimators.answers`.
        rows: the examples as features (n, k).
        tried: some of the rows on which it was compared, among them rows beside jumps.
        algorithm: a name from the estimator's class.
        parity: the largest relative difference from the estimator.
        config: its description as JSON.
    """

    graph: Graph
    inputs: list[str] | None
    labels: list[str] | None
    answer: str
    rows: np.ndarray
    tried: np.ndarray
    algorithm: str
    parity: float
    config: str


def exported(estimator: Any, examples: Any, inputs: Sequence[str] | None) -> Exported:
    """Return the graph of a fitted estimator, checked against it.

    Raises:
        ModelError: it cannot be exported, or its graph answers otherwise; the message says why.
    """
    # Imported here because these packages are not installed where models are only served.
    from models_py.estimators import answers
    from models_py.estimators.errors import UnsupportedError

    name = type(estimator).__name__
    estimator = getattr(estimator, "best_estimator_", estimator)  # of GridSearchCV and its like
    try:
        source = Source(estimator, answers.answerer(estimator), examples, inputs)
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


def _checked(source: Source, is_double: bool) -> Exported:
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
    if graph.has_label:  # as in `_compare_labels`
        tried = spread(np.delete(rows, beside.at_jumps, axis=0), TRIED)
    else:
        tried = spread(rows, TRIED)
    return Exported(
        graph,
        source.inputs,
        source.answerer.texts,
        source.answer(graph),
        source.rows,
        tried,
        re.sub(r"(?<=[a-z])(?=[A-Z])", "_", source.name).lower(),
        parity,
        json.dumps({"estimator": repr(source.estimator)}),
    )


def _validated(source: Source, content: bytes, rows: np.ndarray, missing: list[int]) -> Graph:
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


def _content(source: Source, is_double: bool) -> bytes:
    from models_py.estimators.conversion import to_onnx
    from models_py.estimators.errors import UnsupportedError

    try:
        return to_onnx(source.numeric, source.rows.shape[1], is_double, source.answerer)
    except UnsupportedError:
        raise
    except Exception as error:  # the converters raise errors of many kinds
        raise _Differs(_without_form(" ".join(str(error).split()))) from error


def _without_form(said: str) -> str:
    """Return in our words why a converter failed."""
    if unknown := re.search(r"for type '<class '[\w.]*?(\w+)'>'", said):
        return f"{unknown[1]} has no complete ONNX form, because skl2onnx does not convert it"
    return f"it has no complete ONNX form: its converter says {said[:200]!r}"


def _wrong_without(source: Source, graph: Graph, missing: list[int]) -> list[int]:
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


def _parity(source: Source, graph: Graph, rows: np.ndarray, beside: Compared) -> float:
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


def _compare_given(source: Source, graph: Graph) -> None:
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
    source: Source,
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
