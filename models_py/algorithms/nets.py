"""Nets for regression, see `models_py.net`."""

from collections.abc import Mapping

from models_py.net import Net


def mlp(params: Mapping) -> Net:
    """Return a small ReLU net that learns from the labels alone."""
    return Net(**params)


def hybrid(params: Mapping) -> Net:
    """Return the same net, taught by labels and by XGBoost (`teacher`: its hyperparameters)."""
    return Net(**({"teacher": {}, **params}))
