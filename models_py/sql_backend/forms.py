"""From the program of a graph to the form that the SQL backend evaluates fastest."""

import numpy as np

from models_py.sql_backend.activations import ACTIVATIONS
from models_py.sql_backend.answers import Answer
from models_py.sql_backend.attributes import check, check_computable
from models_py.sql_backend.program import Program, Step
from models_py.sql_backend.steps import BEFORE_TREES
from models_py.sql_backend.values import MAX_WIDTH, Value


def form(answer: Answer, program: Program) -> dict:
    """Return the parameters of a program, by the names of models_py.registry_schema.PORTABLE."""
    layers = _layers(answer.raw, program)
    if layers is not None:
        kind = "linear" if len(layers) == 1 else "net"
        return {"kind": kind, "transform": answer.transform, "layers": layers}
    found = _ensemble(answer.raw, program) or _steps(answer.raw, program)
    return found | {"transform": answer.transform}


def _ensemble(raw: Value, program: Program) -> dict | None:
    """Return a program that is one tree ensemble of the features; None if it is not."""
    forest = program.forest
    if program.steps or len(forest.scores) != 1 or raw.is_dense:
        return None
    if not np.array_equal(raw.places, forest.scores[0]):
        return None
    leaves = np.array(forest.leaves) * raw.weights[:, None]
    check_computable(leaves, raw.intercepts)
    return {
        "kind": "trees",
        "depth": forest.depth,
        "roots": forest.roots,
        "intercepts": raw.intercepts.tolist(),
        "features": forest.features,
        "thresholds": forest.thresholds,
        "next": forest.next,
        "leaves": leaves.tolist(),
    }


def _steps(raw: Value, program: Program) -> dict:
    """Return any program: its steps before the trees, the trees, and the steps after them."""
    raw, forest = program.settled(raw), program.forest
    needed = _needed_by_trees(program)
    before = [step for step in program.steps if id(step) in needed]
    after = [step for step in program.steps if id(step) not in needed]
    check(all(step.op in BEFORE_TREES for step in before), "an operation before trees")
    places = np.zeros(program.numbers + 1, dtype=int)
    places[1 : program.width + 1] = np.arange(1, program.width + 1)
    count = program.width
    for step in before:
        count = _place(places, step.places, count)
    for number, scores in enumerate(forest.scores):
        places[scores] = count + 1 + number + len(forest.scores) * np.arange(len(scores))
    count += len(forest.leaves) * len(forest.scores)
    for step in after:
        count = _place(places, step.places, count)
    firsts = [1, *(last + 1 for last in forest.ensembles)]
    take = Step("Take", np.array([], dtype=int), raw.places)
    return {
        "kind": "steps",
        "steps": [_written(step, places) for step in before],
        "further_steps": [_written(step, places) for step in [*after, take]],
        "ensembles": [
            {"first_root": first, "last_root": last}
            for first, last in zip(firsts, forest.ensembles, strict=False)
        ],
        "depth": forest.depth,
        "roots": forest.roots,
        "features": places[np.array(forest.features, dtype=int)].tolist(),
        "thresholds": forest.thresholds,
        "next": forest.next,
        "leaves": forest.leaves,
    }


def _needed_by_trees(program: Program) -> set[int]:
    """Return the ids of the steps whose numbers the trees read, at once or by other steps."""
    wanted = np.zeros(program.numbers + 1, dtype=bool)
    wanted[np.array(program.forest.features, dtype=int)] = True
    found = set()
    for step in reversed(program.steps):
        if wanted[step.places].any():
            wanted[step.takes] = True
            found.add(id(step))
    return found


def _place(places: np.ndarray, own: np.ndarray, count: int) -> int:
    """Put the numbers of a step after those that are there, and return how many there are."""
    places[own] = count + np.arange(1, len(own) + 1)
    return count + len(own)


def _written(step: Step, places: np.ndarray) -> dict:
    return {
        "op": step.op,
        "takes": places[step.takes].tolist(),
        "weights": None if step.weights is None else step.weights.tolist(),
        "intercepts": None if step.intercepts is None else step.intercepts.tolist(),
    }


def _layers(raw: Value, program: Program) -> list[dict] | None:
    """Return a program as layers that each take all numbers of the layer before; None if not."""
    if program.forest.roots or max(program.width, raw.size) > MAX_WIDTH or len(program.steps) % 2:
        return None
    layers: list[dict | None] = []
    known = np.arange(1, program.width + 1)
    for sums, function in zip(program.steps[::2], program.steps[1::2], strict=True):
        is_layer = function.op in ACTIVATIONS and np.array_equal(function.takes, sums.places)
        if not is_layer or sums.weights is None or sums.intercepts is None:
            return None
        weights = sums.weights if sums.op == "Affine" else sums.weights[0]
        layers.append(_layer(sums.takes, weights, sums.intercepts, known, function.op))
        known = function.places
    layers.append(_layer(raw.places, raw.weights, raw.intercepts, known, None))
    whole = [layer for layer in layers if layer is not None]
    return whole if len(whole) == len(layers) else None


def _layer(
    takes: np.ndarray,
    weights: np.ndarray,
    intercepts: np.ndarray,
    known: np.ndarray,
    activation: str | None,
) -> dict | None:
    """Return affine functions of known numbers as a layer; None if they take other numbers."""
    if not np.isin(takes, known).all():
        return None
    wide = np.zeros((len(intercepts), len(known)))
    columns = takes - known[0]
    rows = slice(None) if weights.ndim == 2 else np.arange(len(takes))
    wide[rows, columns] = weights
    return {
        "weights": wide.tolist(),
        "intercepts": intercepts.tolist(),
        "activation": activation,
    }
