"""Export of estimators that were fitted elsewhere to ONNX graphs that answer as they do.

`conversion` exports an estimator of numbers, with the converters of `boosting` and `trees` for tree
ensembles. `columns` turns rows with text into numbers. `answers` says what an estimator answers.
"""
