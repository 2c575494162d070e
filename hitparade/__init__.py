"""hitparade: the command line, the sample, the dbt-duckdb plugin; ties `models_py` to `udfs`."""
