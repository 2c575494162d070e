"""Arrays of PostgreSQL as lists of DuckDB."""

from sqlglot import exp

from hitparade.serve.postgres.catalog.functions import CATALOG

# The columns that PostgreSQL counts from 0.
_VECTORS = ("indkey", "indcollation", "indclass", "indoption", "proargtypes")


def is_vector(node: exp.Expr) -> bool:
    """Whether this is a column whose subscripts begin with 0 in PostgreSQL."""
    while isinstance(node, exp.Paren):
        node = node.this
    return isinstance(node, exp.Column) and node.name.lower() in _VECTORS


def array(node: exp.Cast) -> exp.Expr:
    """A cast to an array, also of a text in braces or of a parameter that may be one."""
    if isinstance(node.this, exp.Parameter):
        of = node.to.expressions[0] if node.to.expressions else None
        is_number = of is not None and of.is_type(*exp.DataType.INTEGER_TYPES)
        name = "as_numbers" if is_number else "as_texts"
        return exp.Anonymous(this=f"{CATALOG}.{name}", expressions=[node.this])
    return members(node)


def members(node: exp.Expr) -> exp.Expr:
    """A list; PostgreSQL also writes it as a text in braces."""
    if isinstance(node, exp.Parameter):
        return exp.Anonymous(this=f"{CATALOG}.as_texts", expressions=[node])
    if isinstance(node, exp.Literal) and node.is_string:
        return exp.Array(expressions=[exp.Literal.string(part) for part in _split(node.name)])
    if isinstance(node, exp.Cast) and isinstance(node.this, exp.Literal) and node.this.is_string:
        return exp.Cast(this=members(node.this), to=node.to)
    return node


def _split(text: str) -> list[str]:
    inside = text.strip().removeprefix("{").removesuffix("}")
    return [part.strip().strip('"') for part in inside.split(",")] if inside else []


def vector(node: exp.Expr) -> exp.Expr:
    """A list of numbers; PostgreSQL also writes it as a text with spaces."""
    if isinstance(node, exp.Literal):
        return exp.Array(expressions=[exp.Literal.number(part) for part in node.name.split()])
    return node


def quantified(node: exp.Binary, quantity: str, members: exp.Expr) -> exp.Expr:
    """A comparison with any or all members of a list."""
    if isinstance(node, exp.EQ) and quantity == "any":
        return exp.Anonymous(this="list_contains", expressions=[members, node.this])
    if isinstance(node, exp.NEQ) and quantity == "all":
        return exp.Not(this=exp.Anonymous(this="list_contains", expressions=[members, node.this]))
    each = type(node)(this=node.this.copy(), expression=exp.column("__member"))
    check = exp.Anonymous(
        this="list_bool_or" if quantity == "any" else "list_bool_and",
        expressions=[
            exp.Anonymous(
                this="list_transform",
                expressions=[members, exp.Var(this=f"lambda __member: {each.sql('duckdb')}")],
            )
        ],
    )
    return check


def joined(node: exp.Expr) -> exp.Expr:
    """List || list, of which one may be NULL."""
    if isinstance(node, exp.DPipe) and isinstance(node.expression, exp.Array):
        return exp.Anonymous(this="list_concat", expressions=[node.this, node.expression])
    return node
