"""Activations: functions of one number, between two layers of a net.

https://onnx.ai/onnx/operators/onnx__Relu.html
https://onnx.ai/onnx/operators/onnx__Sigmoid.html
https://onnx.ai/onnx/operators/onnx__Tanh.html

To add an activation, add a line here: its ONNX operator, and its SQL with {v} for the number. Then
`hitparade generate` writes the macro that evaluates it, and tests/parity/test_activations.py tests
it.
"""

ACTIVATIONS = {
    "Relu": "greatest({v}, 0)",
    "Sigmoid": "1 / (1 + exp(-{v}))",
    "Tanh": "tanh({v})",
}
