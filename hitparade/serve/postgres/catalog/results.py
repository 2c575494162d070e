"""PostgreSQL's types of the results of a statement about the catalogs.

DuckDB has fewer types: an oid is a number to it and a name a text. Clients expect the types of
PostgreSQL's catalogs, so they are followed from the columns of the relations to the results.
"""

from sqlglot import exp

from hitparade.serve.postgres.catalog import facts
from hitparade.serve.postgres.catalog.names import type_name
from hitparade.serve.postgres.catalog.sources import Source, sources

REGISTERED = ("regclass", "regtype", "regproc", "regprocedure", "regnamespace", "regrole")
VECTORS = ("int2vector", "oidvector")
# Domains of information_schema, whose results have the type below.
_BASES = {
    "sql_identifier": "name",
    "character_data": "varchar",
    "yes_or_no": "varchar",
    "cardinal_number": "int4",
    "time_stamp": "timestamptz",
}
# Functions of PostgreSQL whose results DuckDB would describe otherwise.
_FUNCTIONS = {
    "current_user": "name",
    "session_user": "name",
    "current_role": "name",
    "user": "name",
    "current_catalog": "name",
    "current_database": "name",
    "current_schema": "name",
    "current_schemas": "_name",
    "pg_get_userbyid": "name",
    "pg_encoding_to_char": "name",
    "to_regclass": "regclass",
    "to_regtype": "regtype",
    "inet_server_addr": "inet",
    "inet_client_addr": "inet",
}
# Columns that all tables have.
_SYSTEM = {"tableoid": "oid", "xmin": "xid", "xmax": "xid", "cmin": "cid", "cmax": "cid"}
_DEPTH = 20


def column_types(query: exp.Expr, database: str) -> list[str | None] | None:
    """The names of the result types, None where DuckDB's are right; None if unknown at all."""
    return _query(query, database, _DEPTH)


def _query(query: exp.Expr, database: str, depth: int) -> list[str | None] | None:
    if depth == 0:
        return None
    if isinstance(query, exp.Subquery):
        return _query(query.this, database, depth)
    if isinstance(query, exp.SetOperation):
        left = _query(query.this, database, depth - 1)
        right = _query(query.expression, database, depth - 1)
        if left is None:
            return None
        if right is None or len(right) != len(left):
            return left
        return [
            one if other is None or _base(one) == _base(other) else None
            for one, other in zip(left, right, strict=True)
        ]
    if not isinstance(query, exp.Select):
        return None
    scope = sources(query, database)
    types: list[str | None] = []
    for column in query.expressions:
        stars = star(column, scope, database, depth)
        if stars is None:
            types.append(expression_type(column, scope, database, depth))
        elif not stars:
            return None
        else:
            types += [of for _, of in stars]
    return types


def star(
    column: exp.Expr, scope: dict[str, Source], database: str, depth: int = _DEPTH
) -> list[tuple[str, str | None]] | None:
    """The columns that a star stands for; None if it is none, empty if that is unknown."""
    if isinstance(column, exp.Star):
        chosen = list(scope.values())
    elif isinstance(column, exp.Column) and isinstance(column.this, exp.Star):
        chosen = [scope[column.table.lower()]] if column.table.lower() in scope else []
    else:
        return None
    found: list[tuple[str, str | None]] = []
    for source in chosen:
        columns = _columns(source, database, depth)
        if columns is None:
            return []
        found += columns
    return found


def _columns(source: Source, database: str, depth: int) -> list[tuple[str, str | None]] | None:
    if source.relation is not None:
        return list(source.relation.columns.items())
    if source.query is None:
        return None
    types = _query(source.query, database, depth - 1)
    if types is None:
        return None
    names = list(source.columns) or _names(source.query, database, depth)
    return list(zip(names, types, strict=True)) if len(names) == len(types) else None


def _names(query: exp.Expr, database: str, depth: int) -> list[str]:
    while isinstance(query, exp.SetOperation | exp.Subquery):
        query = query.this
    if not isinstance(query, exp.Select):
        return []
    names: list[str] = []
    scope = sources(query, database)
    for column in query.expressions:
        stars = star(column, scope, database, depth - 1)
        names += [column.alias_or_name] if stars is None else [name for name, _ in stars]
    return names


def expression_type(
    node: exp.Expr, scope: dict[str, Source], database: str, depth: int = _DEPTH
) -> str | None:
    """PostgreSQL's type of an expression, or None where DuckDB's is right."""
    if isinstance(node, exp.Alias | exp.Paren | exp.Collate | exp.Min | exp.Max):
        return expression_type(node.this, scope, database, depth)
    if isinstance(node, exp.Coalesce | exp.Nullif):
        return expression_type(node.this, scope, database, depth)
    if isinstance(node, exp.ArrayAgg):
        inner = node.this
        while isinstance(inner, exp.Order | exp.Distinct):
            inner = inner.this or inner.expressions[0]
        return _list_of(expression_type(inner, scope, database, depth))
    if isinstance(node, exp.Case):
        return _case(node, scope, database, depth)
    if isinstance(node, exp.Column):
        return _column(node, scope, database, depth)
    if isinstance(node, exp.Cast):
        name = type_name(node)
        return name if name in facts.type_ids() else None
    if isinstance(node, exp.Subquery):
        types = _query(node.this, database, depth - 1)
        return types[0] if types else None
    if isinstance(node, exp.Bracket):
        return _element(expression_type(node.this, scope, database, depth))
    if isinstance(node, exp.Array) and len(node.expressions) == 1:
        inner = node.expressions[0]
        types = _query(inner, database, depth - 1) if isinstance(inner, exp.Query) else None
        return _list_of(types[0]) if types else None
    if isinstance(node, exp.Func):
        from hitparade.serve.postgres.catalog.functions import function_name

        return _FUNCTIONS.get(function_name(node))
    return None


def _case(node: exp.Case, scope: dict[str, Source], database: str, depth: int) -> str | None:
    results = [branch.args["true"] for branch in node.args["ifs"]]
    if node.args.get("default") is not None:
        results.append(node.args["default"])
    types = {
        expression_type(result, scope, database, depth)
        for result in results
        if not isinstance(result, exp.Null | exp.Literal)  # these take the type of the others
    }
    return types.pop() if len(types) == 1 else None


def _list_of(name: str | None) -> str | None:
    return f"_{name}" if f"_{name}" in facts.type_ids() else None


def _element(of: str | None) -> str | None:
    if of in VECTORS:
        return of.removesuffix("vector")
    return of[1:] if of and of.startswith("_") else None


def _column(node: exp.Column, scope: dict[str, Source], database: str, depth: int) -> str | None:
    chosen = [scope[node.table.lower()]] if node.table.lower() in scope else []
    if not node.table:
        chosen = list(scope.values())
    if node.name.lower() in _SYSTEM and any(source.relation for source in chosen):
        return _SYSTEM[node.name.lower()]
    for source in chosen:
        if source.of is not None and node.table:
            return source.of
        if source.relation is not None:
            if node.name.lower() in source.relation.columns:
                return source.relation.columns[node.name.lower()]
        elif source.query is not None:
            for name, of in _columns(source, database, depth - 1) or []:
                if name.lower() == node.name.lower():
                    return of
    return None


def result_oid(name: str | None) -> int | None:
    """The id of a result type."""
    base = _base(name)
    return facts.type_ids().get(base) if base else None


def _base(name: str | None) -> str | None:
    return _BASES.get(name, name) if name else None
