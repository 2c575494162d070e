"""The entry of a column."""

from typing import Any

NOT_NULL = {"constraints": [{"type": "not_null"}]}


def required(name: str, type: str, description: str) -> dict[str, Any]:
    """Return the entry of a column that is never NULL."""
    return {"name": name, "data_type": type, "description": description} | NOT_NULL


def nullable(name: str, type: str, description: str) -> dict[str, Any]:
    """Return the entry of a column that may be NULL."""
    return {"name": name, "data_type": type, "description": description}
