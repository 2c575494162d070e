"""Nets for regression, see `models_py.net`."""

from models_py.net import Net


def mlp(params) -> Net:
    """Return a small ReLU net that learns from the labels alone."""
    return Net(**params)


def hybrid(params) -> Net:
    """Return the same net, taught by labels and by XGBoost (`teacher`: its hyperparameters)."""
    return Net(**({"teacher": {}} | params))
