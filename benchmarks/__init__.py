"""Benchmarks: the speed of the models, their quality, and what a build costs."""


class BenchError(RuntimeError):
    """A benchmark that cannot run; the message says why and what to do."""
