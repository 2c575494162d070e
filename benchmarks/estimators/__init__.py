"""`python -m benchmarks estimators`: what `udfs.register_model` does with models of other people.

    python -m benchmarks estimators --match LightGBM
    python -m benchmarks estimators --page

Each case makes a model, registers it in a copy of the database, asks it in SQL on both backends
about rows that it has not seen, and compares the answers with those of its source. The modules
`scikit`, `boosting`, `nets`, `pipelines` and `files` make the cases.
"""
