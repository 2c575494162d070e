"""The runtime that executes ONNX models for a SQL engine.

    import udfs
    udfs.register(connection)

makes every SQL function of the database run in onnxruntime on that connection.
"""

from udfs.runtime import register
from udfs.sessions import ModelError

__all__ = ["ModelError", "register"]
