"""Benchmarks: the quality of the models, their speed, and the cost of a build."""


class BenchError(RuntimeError):
    """A benchmark cannot run; the message says why and what to do."""
