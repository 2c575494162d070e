"""The runtime that executes ONNX models for a SQL engine, and the registry they come from.

    import udfs
    udfs.register(connection)

makes every SQL function of the database run in onnxruntime on that connection;
`udfs.register_model` stores a model from outside, `udfs.promote` makes one the champion of its
task.
"""

from udfs.registration import register_model, unregister_model
from udfs.registry import assign, pin, promote, prunable, prune, rollback, unpin
from udfs.runtime import register, set_cache_size
from udfs.sessions import ModelError

__all__ = [
    "ModelError",
    "assign",
    "pin",
    "promote",
    "prunable",
    "prune",
    "register",
    "register_model",
    "rollback",
    "set_cache_size",
    "unpin",
    "unregister_model",
]
