"""Activations: functions of one number between two layers of a net.

https://onnx.ai/onnx/operators/onnx__Relu.html
https://onnx.ai/onnx/operators/onnx__Sigmoid.html
https://onnx.ai/onnx/operators/onnx__Tanh.html

An activation is one line here: its ONNX operator, and its SQL with {v} in the place of the number.
`hitparade generate` writes the macro that evaluates it; tests/parity/test_activations.py takes it
from here.
"""

ACTIVATIONS = {
    "Relu": "greatest({v}, 0)",
    "Sigmoid": "1 / (1 + exp(-{v}))",
    "Tanh": "tanh({v})",
}
