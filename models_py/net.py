"""A small ReLU net for regression, trained in PyTorch on labels and optionally on a teacher.

Distillation (Hinton et al. 2015) trains on the labels y and on the teacher's predictions t at once.
With a squared loss this equals training on their weighted mean, because
a(y - f)^2 + (1 - a)(t - f)^2 differs from (f - (a y + (1 - a) t))^2 by a constant.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.base import BaseEstimator, RegressorMixin
from xgboost import XGBRegressor

from models_py.torch_lock import torch_lock

OPSET = 18


class Net(RegressorMixin, BaseEstimator):
    """Fully connected layers with ReLU between them.

    Inputs and label are standardized for training. The scales are then folded into the first and
    the last layer, so a fitted net consists of its layers only. An input that is constant in
    training gets weight 0, because otherwise its weight would stay at its random initial value.

    Args:
        hidden: width of each hidden layer.
        epochs: passes over the rows.
        batch_size: rows in a training step.
        learning_rate: the peak of a one-cycle schedule (Smith and Topin 2018).
        weight_decay: of AdamW (Loshchilov and Hutter 2019).
        dropout: share of hidden values set to 0 in a training step (Srivastava et al. 2014).
        label_weight: weight of the labels in the target; the teacher has the rest.
        teacher: hyperparameters of the XGBoost teacher; None to learn from labels alone.
        random_state: seed of the initial weights, the order of rows and the dropout.

    Attributes:
        layers_: (weights (out, in), intercepts (out,)) of each layer, float64.
    """

    def __init__(
        self,
        hidden: Sequence[int] = (64, 64),
        epochs: int = 20,
        batch_size: int = 128,
        learning_rate: float = 2e-3,
        weight_decay: float = 0.1,
        dropout: float = 0.2,
        label_weight: float = 0.5,
        teacher: Mapping | None = None,
        random_state: int = 0,
    ):
        """Keep the hyperparameters; `fit` uses them."""
        self.hidden = hidden
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.dropout = dropout
        self.label_weight = label_weight
        self.teacher = teacher
        self.random_state = random_state

    def fit(self, features: np.ndarray, label: np.ndarray) -> "Net":
        """Train on features (n, k) and labels (n,); return the fitted net."""
        target = label
        if self.teacher is not None:
            options = {"random_state": self.random_state, "n_jobs": 1} | dict(self.teacher)
            answers = XGBRegressor(**options).fit(features, label).predict(features)
            target = self.label_weight * label + (1 - self.label_weight) * answers
        center, scale = features.mean(axis=0), features.std(axis=0)
        # Not scale > 0: rounding can give equal numbers a standard deviation above 0.
        varied = np.ptp(features, axis=0) > 0
        shift, size = target.mean(), target.std() or 1.0
        with torch_lock:
            layers = self._train(
                (features[:, varied] - center[varied]) / scale[varied], (target - shift) / size
            )
        weights, intercepts = layers[0]
        first = np.zeros((len(weights), features.shape[1]))
        first[:, varied] = weights / scale[varied]
        layers[0] = first, intercepts - first @ center
        weights, intercepts = layers[-1]
        layers[-1] = weights * size, intercepts * size + shift
        self.layers_ = layers
        return self

    def _train(self, features: np.ndarray, target: np.ndarray) -> list:
        """Return the layers of a net trained on standardized features (n, k) and target (n,)."""
        # Imported here, because loading torch takes seconds and only nets need it.
        import torch

        # A net this small gains nothing from threads and is slow on a busy machine with them.
        torch.set_num_threads(1)
        chance = torch.Generator().manual_seed(self.random_state)
        x, y = (torch.from_numpy(a.astype(np.float32)) for a in (features, target[:, None]))
        sizes = [x.shape[1], *self.hidden, 1]
        layers = [torch.nn.Linear(*pair) for pair in pairwise(sizes)]
        for layer in layers:
            torch.nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu", generator=chance)
            torch.nn.init.zeros_(layer.bias)

        def answer(values: torch.Tensor) -> torch.Tensor:
            for layer in layers[:-1]:
                values = torch.relu(layer(values))
                kept = torch.rand(values.shape, generator=chance) >= self.dropout
                values = values * kept / (1 - self.dropout)
            return layers[-1](values)

        steps = -(-len(x) // self.batch_size)
        adam = torch.optim.AdamW(
            torch.nn.ModuleList(layers).parameters(),
            lr=self.learning_rate,
            weight_decay=self.weight_decay,
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            adam, self.learning_rate, epochs=self.epochs, steps_per_epoch=steps
        )
        for _ in range(self.epochs):
            for rows in torch.randperm(len(x), generator=chance).split(self.batch_size):
                adam.zero_grad()
                torch.nn.functional.mse_loss(answer(x[rows]), y[rows]).backward()
                adam.step()
                schedule.step()
        return [
            tuple(p.detach().numpy().astype(float) for p in layer.parameters()) for layer in layers
        ]

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Return the predictions (n,) for features (n, k)."""
        *hidden, (weights, intercepts) = self.layers_
        values = features
        for weight, intercept in hidden:
            values = np.maximum(values @ weight.T + intercept, 0)
        return (values @ weights.T + intercepts)[:, 0]

    def to_onnx(self) -> onnx.ModelProto:
        """Return the net as an ONNX graph from `features` (n, k) to `scores` (n, 1)."""
        nodes, parameters, flow = [], [], "features"
        for i, layer in enumerate(self.layers_):
            is_last = i == len(self.layers_) - 1
            names = [f"weights_{i}", f"intercepts_{i}"]
            parameters += [
                numpy_helper.from_array(values.astype(np.float32), name)
                for name, values in zip(names, layer, strict=True)
            ]
            out = "scores" if is_last else f"sum_{i}"
            nodes.append(helper.make_node("Gemm", [flow, *names], [out], transB=1))
            if not is_last:
                flow = f"hidden_{i}"
                nodes.append(helper.make_node("Relu", [out], [flow]))
        inputs = self.layers_[0][0].shape[1]
        graph = helper.make_graph(
            nodes,
            "hitparade",
            [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, inputs])],
            [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [None, 1])],
            parameters,
        )
        return helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10
        )
