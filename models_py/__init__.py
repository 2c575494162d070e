"""The Python of the models: one file for each task, its evaluation, its export to ONNX.

Knows neither dbt nor SQL: tables come in as Arrow, trained candidates go out as plain values.
"""
