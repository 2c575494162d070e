"""Convert values from Snowflake, which may pass lists and objects to Python as JSON text."""

import json
from typing import Any

import pandas as pd


def is_json(value: object) -> bool:
    """Return whether a value is the JSON text of a list or an object."""
    return isinstance(value, str) and value[:1] in ("[", "{")


def as_list(value: Any) -> Any:
    """Return a list, or a dict for an object; None for NULL."""
    if isinstance(value, str):
        return json.loads(value)
    if isinstance(value, dict):
        return value
    return None if value is None or value is pd.NA or isinstance(value, float) else list(value)
