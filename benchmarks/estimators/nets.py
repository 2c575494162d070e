"""Nets of torch as ONNX files, written by both of its exporters."""

import logging
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks.estimators import rows
from benchmarks.estimators.cases import Case, Subject

FAMILY = "torch"
WIDTH, HIDDEN = 4, 8
ACTIVATIONS = (
    *("ReLU", "Tanh", "Sigmoid", "LeakyReLU", "ELU", "SELU", "GELU", "SiLU", "Softplus"),
    *("Hardtanh", "PReLU", "Hardswish"),
)
# The new exporter takes seconds, and writes simple activations as the old one does.
ALIKE = {
    (f"MLP, {name}", "new exporter")
    for name in ("Tanh", "Sigmoid", "LeakyReLU", "ELU", "SELU", "Softplus", "Hardtanh", "PReLU")
}


def cases() -> list[Case]:
    """Each net by both exporters, and files that differ in other things than the net."""
    found = [
        Case(FAMILY, f"{name}, {exporter}", partial(_exported, make, exporter == "new exporter"))
        for name, make in _nets().items()
        for exporter in ("old exporter", "new exporter")
        if (name, exporter) not in ALIKE
    ]
    forms: dict[str, dict] = {
        "a fixed batch of 1": {"free": False},
        "a fixed batch of 1, new exporter": {"free": False, "is_new": True},
        "float64": {"dtype": torch.float64},
        "float16": {"dtype": torch.float16},
    }
    mlp = _nets()["MLP, ReLU"]
    found += [
        Case(FAMILY, f"two inputs, {exporter}", partial(_of_two_inputs, exporter == "new exporter"))
        for exporter in ("old exporter", "new exporter")
    ]
    return found + [
        Case(FAMILY, f"MLP, {name}", partial(_exported, mlp, **given))
        for name, given in forms.items()
    ]


def _mlp(activation: nn.Module, *ending: nn.Module, outputs: int = 1) -> nn.Module:
    first, second = nn.Linear(WIDTH, HIDDEN), nn.Linear(HIDDEN, HIDDEN)
    return nn.Sequential(
        *(first, activation, second, activation), nn.Linear(HIDDEN, outputs), *ending
    )


def _nets() -> dict[str, Callable[[], nn.Module]]:
    made = {f"MLP, {name}": partial(_with, name) for name in ACTIVATIONS}
    relu, linear = nn.ReLU, partial(nn.Linear, WIDTH, HIDDEN)
    one = partial(nn.Linear, HIDDEN, 1)
    return made | {
        "linear": lambda: nn.Linear(WIDTH, 1),
        "softmax end": lambda: _mlp(relu(), nn.Softmax(dim=1), outputs=3),
        "log-softmax end": lambda: _mlp(relu(), nn.LogSoftmax(dim=1), outputs=3),
        "sigmoid end": lambda: _mlp(relu(), nn.Sigmoid()),
        "flat output": lambda: _mlp(relu(), nn.Flatten(0)),
        "layer norm": lambda: nn.Sequential(linear(), nn.LayerNorm(HIDDEN), relu(), one()),
        "batch norm": lambda: nn.Sequential(linear(), nn.BatchNorm1d(HIDDEN), relu(), one()),
        "batch norm first": lambda: nn.Sequential(nn.BatchNorm1d(WIDTH), linear(), relu(), one()),
        "dropout": lambda: nn.Sequential(linear(), relu(), nn.Dropout(0.5), one()),
        "residual": _Residual,
        "wide and deep": _WideAndDeep,
        "scales in the net": _Scaled,
        "embedding of a column": _Embedding,
        "attention over the columns": _Attention,
        "two heads": _TwoHeads,
        "clamped output": _Clamped,
    }


def _with(name: str) -> nn.Module:
    return _mlp(getattr(nn, name)())


class _Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.inner = nn.Linear(WIDTH, HIDDEN), nn.Linear(HIDDEN, HIDDEN)
        self.last = nn.Linear(HIDDEN, 1)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        found = torch.relu(self.first(rows))
        return self.last(found + torch.relu(self.inner(found)))


class _WideAndDeep(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.wide, self.deep = nn.Linear(WIDTH, 1), _mlp(nn.ReLU())

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.wide(rows) + self.deep(rows))


class _Scaled(nn.Module):
    """A net that scales its inputs itself, as one that is served should."""

    mean: torch.Tensor
    spread: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.net = _mlp(nn.ReLU())
        self.register_buffer("mean", torch.arange(WIDTH) / 7)
        self.register_buffer("spread", torch.arange(WIDTH) / 3 + 1)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return self.net((rows - self.mean) / self.spread)


class _Embedding(nn.Module):
    """A net that looks up the first column, rounded, in a table."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.last = nn.Embedding(6, 3), nn.Linear(WIDTH + 2, 1)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        code = rows[:, 0].clamp(0, 5).long()
        return self.last(torch.cat([self.table(code), rows[:, 1:]], dim=1))


class _Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.query, self.last = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 1)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return self.last(torch.softmax(self.query(rows), dim=1) * rows)


class _TwoHeads(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body, self.one, self.other = (
            nn.Sequential(nn.Linear(WIDTH, HIDDEN), nn.ReLU()),
            nn.Linear(HIDDEN, 1),
            nn.Linear(HIDDEN, 2),
        )

    def forward(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        found = self.body(rows)
        return self.one(found), self.other(found)


class _Clamped(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = _mlp(nn.ReLU())

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return self.net(rows).clamp(-0.1, 0.1)


class _TwoInputs(nn.Module):
    """A net that takes the code of a category beside the numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.last = nn.Embedding(4, 3), nn.Linear(WIDTH + 2, 1)

    def forward(self, numbers: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
        return self.last(torch.cat([numbers, self.table(code)], dim=1))


def _of_two_inputs(is_new: bool) -> Subject:
    torch.manual_seed(5)
    net = _TwoInputs().eval()
    names = ["numbers", "code"]

    def given(values: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.tensor(values[:, :-1], dtype=torch.float32), torch.tensor(values[:, -1]).long()

    def answer(values: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return net(*given(values)).numpy().astype(float)

    seen = np.column_stack([rows.SCALED[:, 1:], rows.COUNTS[:, 0]])
    free: dict[str, Any] = {"dynamic_axes": {name: {0: "n"} for name in [*names, "scores"]}}
    if is_new:
        n = torch.export.Dim("n")
        free = {"dynamic_shapes": ({0: n}, {0: n}), "external_data": False, "verbose": False}
    content = _written(
        net, given(seen[:3]), input_names=names, output_names=["scores"], dynamo=is_new, **free
    )
    return Subject(content, seen, rows.recombined(seen), {"forward": answer})


def _written(net: nn.Module, example: tuple[torch.Tensor, ...], **given: Any) -> bytes:
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # operators of torchvision
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "net.onnx")
        torch.onnx.export(net, example, path, **given)
        return path.read_bytes()


def _exported(
    make: Callable[[], nn.Module],
    is_new: bool = False,
    free: bool = True,
    dtype: torch.dtype = torch.float32,
) -> Subject:
    """Return a net with random weights as an ONNX file.

    Args:
        make: makes the net.
        is_new: whether to use the exporter that captures the net by torch.export.
        free: whether the number of rows is free; otherwise it is 1.
        dtype: of the weights and the rows.
    """
    torch.manual_seed(5)
    net = make().eval().to(dtype)
    example = torch.zeros((3 if free else 1, WIDTH), dtype=dtype)
    given: dict[str, Any] = {"input_names": ["rows"], "dynamo": is_new}
    if free and is_new:
        given["dynamic_shapes"] = ({0: torch.export.Dim("n")},)
    elif free:
        outputs = net(example)
        names = ["one", "other"][: len(outputs) if isinstance(outputs, tuple) else 1]
        given["output_names"] = names
        given["dynamic_axes"] = {name: {0: "n"} for name in ["rows", *names]}
    given |= {"external_data": False, "verbose": False} if is_new else {}
    content = _written(net, (example,), **given)

    def answer(values: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            found = net(torch.tensor(values, dtype=dtype))
        found = found if isinstance(found, tuple) else (found,)
        return np.hstack([one.numpy().astype(float).reshape(len(values), -1) for one in found])

    scaled = rows.SCALED
    return Subject(content, scaled, rows.unseen(scaled), {"forward": answer})
