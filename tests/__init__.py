"""Tests: `pytest --quick` runs only those that build nothing, `pytest` runs all."""

import os

# With models this small, threads mostly wait for each other; on a busy machine this takes minutes.
# OpenMP reads the variable once, when the first library that uses it is loaded.
os.environ.setdefault("OMP_NUM_THREADS", "1")
