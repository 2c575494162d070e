"""Names of result columns, as PostgreSQL gives them to expressions without an alias."""

import re

from sqlglot import exp

UNNAMED = "?column?"
_SELF_NAMED = {
    exp.Array: "array",
    exp.Case: "case",
    exp.Explode: "unnest",
    exp.Exists: "exists",
    exp.GroupConcat: "string_agg",
    exp.Boolean: "bool",
    exp.Interval: "interval",
    exp.Tuple: "row",
    exp.CurrentTimestamp: "now",
    exp.JSONArrayAgg: "json_agg",
}
# Names that are replaced by values.
_REPLACED = ("user", "current_role", "tableoid", "xmin", "xmax", "cmin", "cmax")
# What does not change the name of the expression inside.
_INSIDE = (exp.Paren, exp.Collate, exp.Bracket, exp.Cast, exp.Filter, exp.Window, exp.WithinGroup)
_CALL = re.compile(r'^"?(\w+)"?(?:\(|$)')
# PostgreSQL's own names of types that SQL calls otherwise.
_TYPES = {
    "int": "int4",
    "integer": "int4",
    "smallint": "int2",
    "bigint": "int8",
    "boolean": "bool",
    "real": "float4",
    "double precision": "float8",
    "decimal": "numeric",
    "char": "bpchar",
    "character varying": "varchar",
}


def name_columns(tree: exp.Expr) -> None:
    """Give each expression of each SELECT the alias that PostgreSQL would give it."""
    for select in list(tree.find_all(exp.Select)):
        named = []
        for column in select.expressions:
            if isinstance(column, exp.Alias | exp.Star | exp.Aliases) or is_plain(column):
                named.append(column)
            else:
                named.append(exp.alias_(column, exp.to_identifier(implied(column), quoted=True)))
        select.set("expressions", named)


def is_plain(node: exp.Expr) -> bool:
    """Whether an expression is a column that DuckDB has under the same name."""
    return isinstance(node, exp.Column) and node.name.lower() not in _REPLACED


def implied(node: exp.Expr) -> str:
    """The name of a result column for an expression without an alias."""
    return _implied(node) or UNNAMED


def type_name(cast: exp.Cast) -> str:
    """The name of the type of a cast, in PostgreSQL's words and without its schema."""
    text = cast.to.sql("postgres").replace('"', "")
    text = re.sub(r"\(.*?\)", "", text).rpartition(".")[2].strip().lower()
    return _TYPES.get(text, text)


def _implied(node: exp.Expr) -> str | None:
    if isinstance(node, exp.Alias | exp.Column):
        return node.alias_or_name
    if isinstance(node, exp.Cast):
        return _strong(node.this) or type_name(node)
    if isinstance(node, exp.Case):
        otherwise = node.args.get("default")
        return (otherwise is not None and _strong(otherwise)) or "case"
    if isinstance(node, exp.Subquery):
        selects = node.this.selects if isinstance(node.this, exp.Query) else []
        return _implied(selects[0]) if selects else None
    return _strong(node)


def _strong(node: exp.Expr) -> str | None:
    """The name of a column, field or function; a cast around it does not replace it."""
    if isinstance(node, _INSIDE):
        return _strong(node.this)
    if isinstance(node, exp.Alias | exp.Column):
        return node.alias_or_name
    if isinstance(node, exp.Dot):
        last = node.expression
        return last.name if isinstance(last, exp.Identifier) else _strong(last)
    if isinstance(node, exp.Subquery):
        return _implied(node)
    if isinstance(node, exp.Trim):
        return {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(node.text("position").upper(), "btrim")
    for kind, name in _SELF_NAMED.items():
        if isinstance(node, kind):
            return name if kind is not exp.Case else _implied(node)
    if isinstance(node, exp.Anonymous):
        return node.name.lower()
    if isinstance(node, exp.Func) and not isinstance(node, exp.Binary | exp.Connector):
        found = _CALL.match(node.sql("postgres"))
        return found.group(1).lower() if found else None
    return None
