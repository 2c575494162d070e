"""Training, evaluation and ONNX export of the models.

This package knows neither dbt nor SQL: tables come in as Arrow, and trained candidates go out as
plain values.
"""
