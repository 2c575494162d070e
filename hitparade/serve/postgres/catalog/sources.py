"""Which relations of the catalogs the names in a statement stand for."""

from dataclasses import dataclass

from sqlglot import exp

from hitparade.serve.postgres.catalog import facts
from hitparade.serve.postgres.catalog.errors import CatalogError, no_relation
from hitparade.serve.postgres.catalog.facts import Relation

SCHEMAS = ("pg_catalog", "information_schema")
_SERIES = ("generate_series", "generate_subscripts")


def relation_of(table: exp.Table, shadowed: set[str], database: str) -> Relation | None:
    """The relation of the catalogs that a table stands for, or None if it is none of them.

    Raises:
        CatalogError: PostgreSQL has no such relation.
    """
    if not isinstance(table.this, exp.Identifier):
        return None
    name, schema = _folded(table.this), _folded(table.args.get("db"))
    if not schema and (name in shadowed or not name.startswith("pg_")):
        return None
    if schema and schema not in SCHEMAS:
        return None
    other = _folded(table.args.get("catalog"))
    if other and other != database.lower():
        raise CatalogError(
            f'cross-database references are not implemented: "{other}.{schema}.{name}"'
        )
    relation = facts.relations().get((schema or "pg_catalog", name))
    if relation is None:
        raise no_relation(f"{schema}.{name}" if schema else name)
    return relation


def shadows(tree: exp.Expr) -> set[str]:
    """The names of common table expressions, which hide relations."""
    return {cte.alias.lower() for cte in tree.find_all(exp.CTE)}


def _folded(identifier: exp.Expr | None) -> str:
    if not isinstance(identifier, exp.Identifier):
        return ""
    return identifier.name if identifier.args.get("quoted") else identifier.name.lower()


@dataclass(frozen=True)
class Source:
    """What a name in FROM stands for: a relation of the catalogs, a query, or something else.

    `of` is the type of the column of a function.
    """

    relation: Relation | None = None
    query: exp.Query | None = None
    columns: tuple[str, ...] = ()
    of: str | None = None


def sources(select: exp.Select, database: str) -> dict[str, Source]:
    """The names in the FROM clause of a SELECT, in order."""
    found: dict[str, Source] = {}
    clause = select.args.get("from_")
    joins = select.args.get("joins") or []
    nodes = ([clause.this] if clause is not None else []) + [join.this for join in joins]
    while nodes:
        node = nodes.pop(0)
        nodes[:0] = [join.this for join in node.args.get("joins") or []]
        if isinstance(node, exp.Paren) or (isinstance(node, exp.Subquery) and _query(node) is None):
            nodes.insert(0, node.this)
        else:
            found[node.alias_or_name.lower()] = _source(node, select, database)
    return found


def _source(node: exp.Expr, select: exp.Select, database: str) -> Source:
    if isinstance(node, exp.Table):
        query = _cte(node, select)
        if query is not None:
            return query
        if isinstance(node.this, exp.GenerateSeries) or node.name in _SERIES:
            return Source(of="int4")
        return Source(relation=relation_of(node, set(), database))
    inner = _query(node)
    if inner is not None:
        return Source(query=inner, columns=tuple(node.alias_column_names))
    return Source()


def _query(node: exp.Expr) -> exp.Query | None:
    """The query in brackets, if they hold a query and not joined tables."""
    inner = node.this
    while isinstance(inner, exp.Subquery) and not inner.alias and not inner.args.get("joins"):
        inner = inner.this
    return inner if isinstance(inner, exp.Select | exp.SetOperation) else None


def _cte(table: exp.Table, select: exp.Select) -> Source | None:
    if table.args.get("db"):
        return None
    node: exp.Expr | None = select
    while node is not None:
        clause = node.args.get("with_")
        for cte in clause.expressions if clause is not None else []:
            if cte.alias.lower() == table.name.lower():
                return Source(query=cte.this, columns=tuple(cte.alias_column_names))
        node = node.parent
    return None
