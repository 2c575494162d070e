"""A small ReLU net for regression, trained in PyTorch on labels and, if wanted, on a teacher.

With a squared loss, learning from labels and from the teacher's answers at once (distillation,
Hinton et al. 2015) is learning their weighted mean: a(y - f)^2 + (1 - a)(t - f)^2 differs from
(f - (a y + (1 - a) t))^2 by a constant.
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
    """A net of fully connected layers with ReLU between them.

    Inputs and label are standardised for training; the scales are then folded into the first and
    the last layer, so that the fitted net is its layers and nothing else. An input that never
    varied in training gets no weight: its effect would be whatever it was initialised to.

    Args:
        hidden: width of each hidden layer.
        epochs: passes over the rows.
        batch_size: rows of a step.
        learning_rate: the peak of a one-cycle schedule (Smith and Topin 2018).
        weight_decay: of AdamW (Loshchilov and Hutter 2019).
        dropout: share of a hidden layer's values left out in a step (Srivastava et al. 2014).
        label_weight: share of the labels in what is learned, the teacher has the rest.
        teacher: hyperparameters of the XGBoost that teaches; None to learn from labels alone.
        random_state: of initial weights and order of rows.

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
        """Train on features (n, k) and labels (n,)."""
        target = label
        if self.teacher is not None:
            options = {"random_state": self.random_state, "n_jobs": 1} | dict(self.teacher)
            answers = XGBRegressor(**options).fit(features, label).predict(features)
            target = self.label_weight * label + (1 - self.label_weight) * answers
        centre, scale = features.mean(axis=0), features.std(axis=0)
        # Not scale > 0: the mean of many equal numbers may be off by a rounding.
        varied = np.ptp(features, axis=0) > 0
        shift, size = target.mean(), target.std() or 1.0
        with torch_lock:
            layers = self._train(
                (features[:, varied] - centre[varied]) / scale[varied], (target - shift) / size
            )
        weights, intercepts = layers[0]
        first = np.zeros((len(weights), features.shape[1]))
        first[:, varied] = weights / scale[varied]
        layers[0] = first, intercepts - first @ centre
        weights, intercepts = layers[-1]
        layers[-1] = weights * size, intercepts * size + shift
        self.layers_ = layers
        return self

    def _train(self, features: np.ndarray, target: np.ndarray) -> list:
        """The layers of a net trained on standardised features (n, k) and target (n,)."""
        # Imported here: torch takes seconds, and only nets want it.
        import torch

        # On a busy machine the threads of a net this small mostly wait for each other.
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
        """Return the answers (n,) for features (n, k)."""
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
