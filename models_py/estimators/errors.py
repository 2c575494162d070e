"""The error of an estimator that cannot be exported."""


class UnsupportedError(ValueError):
    """A model uses what ONNX or this export does not have; the message says what to do."""
