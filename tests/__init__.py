"""Tests: `pytest --quick` runs those that build nothing, `pytest` all."""

import os

# Threads of models this small wait for each other, on a busy machine for minutes. OpenMP reads this
# once, when the first library that uses it is loaded.
os.environ.setdefault("OMP_NUM_THREADS", "1")
