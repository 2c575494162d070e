"""Activations: functions between two layers of a net, as SQL with {v} for a number.

https://onnx.ai/onnx/operators/index.html

To add an activation of nets, add a line here: its ONNX operator and its SQL. Then
`hitparade generate` writes the macro that evaluates it, and tests/parity/test_activations.py tests
it. tanh is written as a sigmoid, see `functions`.
"""

ACTIVATIONS = {
    "Relu": "greatest({v}, 0)",
    "Sigmoid": "1 / (1 + exp(-{v}))",
}
