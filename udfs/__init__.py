"""The runtime that executes ONNX models for a SQL engine.

    import udfs
    udfs.register(connection)

makes every SQL function of the database run in onnxruntime on that connection.
"""

from udfs.runtime import register

__all__ = ["register"]
