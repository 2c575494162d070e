"""The names that PostgreSQL gives to columns without an alias."""

from typing import Any

UNNAMED = "?column?"


def labels(statement: dict[str, Any], names: list[str]) -> list[str]:
    """Return the names of a result's columns.

    DuckDB names `predict_hit(t)` after its text, PostgreSQL after the function; clients look
    columns up by PostgreSQL's name.

    Args:
        statement: as DuckDB parsed it.
        names: of the columns, as DuckDB gave them.
    """
    selected = statement["node"].get("select_list", [])
    if len(selected) != len(names):  # a star stands for several columns
        return names
    return [_label(each, name) for each, name in zip(selected, names, strict=True)]


def _label(expression: dict[str, Any], name: str) -> str:
    if expression["alias"] or expression["class"] in ("COLUMN_REF", "STAR"):
        return name
    if expression["class"] == "FUNCTION" and not expression["is_operator"]:
        return expression["function_name"]
    if expression["class"] == "CAST":
        inner = _label(expression["child"], UNNAMED)
        return expression["type_expr"]["type_name"].lower() if inner == UNNAMED else inner
    return "case" if expression["class"] == "CASE" else UNNAMED
