"""Neural nets for regression, see `models_py.net`."""

from collections.abc import Mapping
from typing import Any

from models_py.net import Net


def mlp(params: Mapping[str, Any]) -> Net:
    """Return a small ReLU net that learns from the labels only."""
    return Net(**params)


def hybrid(params: Mapping[str, Any]) -> Net:
    """Return a small ReLU net that learns from the labels and from an XGBoost teacher.

    The hyperparameter `teacher` has the hyperparameters of the teacher.
    """
    return Net(**{"teacher": {}, **params})
