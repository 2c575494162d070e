"""Run ONNX models from SQL, and manage the registry that stores them.

    import udfs
    udfs.register(connection)

makes every SQL function of the database run in onnxruntime on that connection.
`udfs.register_model` stores a model that was trained elsewhere, `udfs.evaluate` measures it, and
`udfs.promote` makes a model the champion of its task. `udfs.Reader` reads a database file that
`hitparade publish` replaces.
"""

from importlib import import_module
from typing import Any

from udfs.errors import ModelError

_HOMES = {
    "udfs.runtime.reader": ("Reader",),
    "udfs.registry.evaluation": ("evaluate",),
    "udfs.registry.register": ("register_model", "unregister_model"),
    "udfs.registry.operations": (
        "assign",
        "pin",
        "promote",
        "prunable",
        "prune",
        "rollback",
        "unpin",
    ),
    "udfs.runtime.functions": ("register", "set_cache_size"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "ModelError",
    "Reader",
    "assign",
    "evaluate",
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


def __getattr__(name: str) -> Any:
    """Import a name on first use: inside Snowflake, duckdb is not installed."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'udfs' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)
