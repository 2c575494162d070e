"""Kernel machines of scikit-learn that give decision values: SVC, NuSVC, SVR, NuSVR, OneClassSVM.

onnxruntime evaluates its own operators of kernel machines in float32 only, where sums of many terms
of both signs lose digits, and skl2onnx gives the two classes of SVC in the other order.

https://scikit-learn.org/stable/modules/svm.html#mathematical-formulation
"""

from itertools import combinations, pairwise
from typing import Any

import numpy as np

from models_py.estimators.building import Builder
from models_py.estimators.errors import UnsupportedError


def decision(builder: Builder, features: str, model: Any) -> str:
    """Add the decision values, and return their name.

    Returns:
        Shape (n, 1) of a regression, an outlier detector or two classes; (n, m) of m classes.
    """
    kernels = _kernels(builder, features, model)
    if len(getattr(model, "classes_", ())) > 2:
        weights, intercepts = _pairs(model)
    else:
        weights, intercepts = _dense(model.dual_coef_).T, model.intercept_
    values = builder.add("MatMul", kernels, builder.constant(weights))
    return builder.add("Add", values, builder.constant(intercepts))


def of_classes(builder: Builder, values: str, count: int) -> tuple[str, str]:
    """Return the votes (n, count), and scores that break their ties, of values of pairs.

    See sklearn.utils.multiclass._ovr_decision_function.
    """
    pairs = [*combinations(range(count), 2)]
    first, second = np.zeros((2, len(pairs), count))
    for number, (one, other) in enumerate(pairs):
        first[number, one] = second[number, other] = 1
    is_second = builder.cast(builder.add("Less", values, builder.constant(np.zeros(1))))
    # A vote for the first class of each pair, moved to the second where that one wins.
    moved = builder.add("MatMul", is_second, builder.constant(second - first))
    votes = builder.add("Add", moved, builder.constant(first.sum(axis=0)))
    sums = builder.add("MatMul", values, builder.constant(first - second))
    size = builder.add("Add", builder.add("Abs", sums), builder.constant(np.ones(1)))
    small = builder.add("Div", sums, builder.add("Mul", size, builder.constant(np.full(1, 3.0))))
    return votes, builder.add("Add", votes, small)


def _kernels(builder: Builder, features: str, model: Any) -> str:
    """Add the kernel of each row with each support vector, shape (n, v)."""
    vectors = _dense(model.support_vectors_)
    products = builder.add("MatMul", features, builder.constant(vectors.T))
    if model.kernel == "linear":
        return products
    gamma = builder.constant(np.full(1, float(model._gamma)))
    if model.kernel == "rbf":
        squares = builder.add("Mul", features, features)
        own = builder.add("MatMul", squares, builder.constant(np.ones((vectors.shape[1], 1))))
        twice = builder.add("Mul", products, builder.constant(np.full(1, -2.0)))
        distance = builder.add(
            "Add", builder.add("Add", own, twice), builder.constant((vectors**2).sum(axis=1))
        )
        return builder.add("Exp", builder.add("Neg", builder.add("Mul", distance, gamma)))
    scaled = builder.add("Mul", products, gamma)
    shifted = builder.add("Add", scaled, builder.constant(np.full(1, float(model.coef0))))
    if model.kernel == "poly":
        return builder.add("Pow", shifted, builder.constant(np.full(1, float(model.degree))))
    if model.kernel == "sigmoid":
        return builder.add("Tanh", shifted)
    raise UnsupportedError(
        f"the kernel {model.kernel!r} has no ONNX form: fit with linear, poly, rbf or sigmoid"
    )


def _pairs(model: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights (v, pairs) and intercepts (pairs,) of the values of pairs of classes."""
    starts = np.concatenate([[0], np.cumsum(model.n_support_)])
    own = [slice(start, end) for start, end in pairwise(starts)]
    coefficients = _dense(model.dual_coef_)
    pairs = [*combinations(range(len(own)), 2)]
    weights = np.zeros((coefficients.shape[1], len(pairs)))
    for number, (one, other) in enumerate(pairs):
        weights[own[one], number] = coefficients[other - 1, own[one]]
        weights[own[other], number] = coefficients[one, own[other]]
    return weights, model.intercept_


def _dense(matrix: Any) -> np.ndarray:
    return matrix.toarray() if hasattr(matrix, "toarray") else np.asarray(matrix)
