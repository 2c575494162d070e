"""Statements about the catalogs, as SQL of DuckDB over the tables that `create` makes."""

import logging
import re
from dataclasses import dataclass

import sqlglot
from sqlglot import exp

from hitparade.serve.postgres.catalog import functions
from hitparade.serve.postgres.catalog.errors import CatalogError
from hitparade.serve.postgres.catalog.names import name_columns
from hitparade.serve.postgres.catalog.results import (
    REGISTERED,
    VECTORS,
    column_types,
    expression_type,
    result_oid,
    star,
)
from hitparade.serve.postgres.catalog.scanning import asks_catalog, in_code
from hitparade.serve.postgres.catalog.session import Session
from hitparade.serve.postgres.catalog.session_calls import with_values
from hitparade.serve.postgres.catalog.sources import sources
from hitparade.serve.postgres.catalog.translate import Translation

logging.getLogger("sqlglot").setLevel(logging.ERROR)

# Far more than any tool asks. Reading takes the cube of the number of subscripts in a row.
_LONGEST = 100_000
_MOST_BRACKETS = 500
# What sqlglot cannot read or reads otherwise.
_OPERATOR = re.compile(r"\boperator\s*\(\s*pg_catalog\s*\.\s*([^)\s]+)\s*\)", re.IGNORECASE)
_COLLATION = re.compile(r"\bcollate\s+pg_catalog\s*\.\s*default\b", re.IGNORECASE)
_CATALOG_TYPE = re.compile(r"(::\s*)pg_catalog\s*\.\s*", re.IGNORECASE)
_CATALOG_CALL = re.compile(r"\bpg_catalog\s*\.\s*(?=\w+\s*\()", re.IGNORECASE)
_NUMBER_LIST = re.compile(r"::\s*(?:oid|xid|reg\w+)\s*\[\s*\]", re.IGNORECASE)
_NAME_LIST = re.compile(r"::\s*name\s*\[\s*\]", re.IGNORECASE)
# sqlglot would write SELECT INTO as CREATE TABLE.
_WRITES = (exp.Into, exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Create, exp.Drop)
# sqlglot takes `$1,$` for the beginning of a dollar-quoted text.
_PARAMETER = re.compile(r"\$(\d+)(?=\s*,)")
# Short for SELECT * FROM.
_TABLE = re.compile(r"\A\s*table\s+", re.IGNORECASE)
_VALUES = re.compile(r"\A\s*(values\b.*?)[\s;]*\Z", re.IGNORECASE | re.DOTALL)
# After AS, PostgreSQL takes any word as a name.
_LABEL = re.compile(
    r"\bas\s+(select|insert|update|delete|table|user|order|group|default|column|all|end|from|to)"
    r"(?=\s*(?:[,);]|$|\bfrom\b))",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Rewritten:
    """A statement for DuckDB.

    Attributes:
        sql: its text.
        types: PostgreSQL's ids of the types of the results, in order, None where DuckDB's own type
            decides. None as a whole if the statement has columns that only DuckDB knows.
    """

    sql: str
    types: tuple[int | None, ...] | None = None


def rewrite(sql: str, session: Session) -> Rewritten | None:
    """DuckDB's SQL for a statement that asks something of the catalogs or of the session.

    Returns:
        The statement for DuckDB; None if it asks nothing of the catalogs, and DuckDB runs it as it
        is.

    Raises:
        CatalogError: it asks for something that the catalogs do not have, or cannot be read.
    """
    if not asks_catalog(sql):
        return None
    if (text := with_values(sql, session)) is not None:
        return Rewritten(text)
    if len(sql) > _LONGEST or sql.count("[") > _MOST_BRACKETS:
        raise CatalogError("the statement about the catalogs is too long", "54000")
    try:
        return _rewritten(sql, session)
    except RecursionError:
        raise CatalogError("the statement is nested too deeply", "54001") from None
    except IndexError:  # a function that looks at an argument
        raise CatalogError("a function of the catalogs lacks an argument", "42883") from None


def _rewritten(sql: str, session: Session) -> Rewritten | None:
    text = _VALUES.sub(r"select * from (\1) as listed", _TABLE.sub("select * from ", sql))
    tree = _parse(in_code(_readable, text))
    if not isinstance(tree, exp.Query):
        return None
    if tree.find(*_WRITES):
        raise CatalogError("the database is read-only", "25006")
    _fold(tree)
    name_columns(tree)
    types = column_types(tree, session.database)
    if types is not None:
        _show(tree, session)
    translation = Translation(tree, session)
    translated = translation.run()
    if not translation.is_touched:
        return None
    return Rewritten(
        translated.sql("duckdb", normalize_functions=False),
        tuple(map(result_oid, types)) if types is not None else None,
    )


def _readable(code: str) -> str:
    code = _OPERATOR.sub(r"\1", code)
    code = _COLLATION.sub("", code)
    code = _CATALOG_TYPE.sub(r"\1", code)
    code = _CATALOG_CALL.sub("", code)
    code = _LABEL.sub(lambda found: f'as "{found[1].lower()}"', code)
    code = _PARAMETER.sub(r"$\1 ", code)
    code = _NUMBER_LIST.sub("::bigint[]", code)
    return _NAME_LIST.sub("::text[]", code)


def _parse(sql: str) -> exp.Expr:
    problem: Exception | None = None
    for dialect in ("postgres", "duckdb"):
        try:
            trees = [tree for tree in sqlglot.parse(sql, read=dialect) if tree is not None]
        except sqlglot.errors.SqlglotError as error:
            problem = problem or error
            continue
        if len(trees) == 1:
            return trees[0]
        raise CatalogError("give one statement about the catalogs at a time", "42601")
    reason = str(problem).splitlines()[0] if problem else ""
    raise CatalogError(f"a statement about the catalogs cannot be read: {reason}", "42601")


def _fold(tree: exp.Expr) -> None:
    """Names without quotes are lower case in PostgreSQL; DuckDB keeps them as they are."""
    for identifier in tree.find_all(exp.Identifier):
        if not identifier.args.get("quoted"):
            identifier.set("this", identifier.name.lower())


def _show(tree: exp.Query, session: Session) -> None:
    """Results of types that PostgreSQL stores as numbers or lists and shows otherwise."""
    for select in _outer(tree):
        scope = sources(select, session.database)
        shown = []
        for column in select.expressions:
            shown += _shown(column, scope, session)
        select.set("expressions", shown)


def _outer(tree: exp.Expr) -> list[exp.Select]:
    if isinstance(tree, exp.Select):
        return [tree]
    if isinstance(tree, exp.SetOperation):
        return _outer(tree.this) + _outer(tree.expression)
    return _outer(tree.this) if isinstance(tree, exp.Subquery) else []


def _shown(column: exp.Expr, scope: dict, session: Session) -> list[exp.Expr]:
    columns = star(column, scope, session.database)
    if columns is None:
        of = expression_type(column, scope, session.database)
        inner = column.this if isinstance(column, exp.Alias) else column
        if isinstance(inner, exp.Cast):  # the cast itself decides
            return [column]
        new = _shown_as(inner, of, session)
        return [column if new is None else exp.alias_(new, column.alias_or_name, quoted=True)]
    if not any(of in (*REGISTERED, *VECTORS) for _, of in columns):
        return [column]
    table = column.table if isinstance(column, exp.Column) else ""
    if not table and len(scope) > 1:
        return [column]
    found = []
    for name, of in columns:
        plain = exp.column(exp.to_identifier(name, quoted=True), table=table or None)
        new = _shown_as(plain, of, session)
        found.append(plain if new is None else exp.alias_(new, name, quoted=True))
    return found


def _shown_as(node: exp.Expr, of: str | None, session: Session) -> exp.Expr | None:
    if of in VECTORS:
        return exp.Anonymous(
            this="array_to_string", expressions=[node.copy(), exp.Literal.string(" ")]
        )
    if of in REGISTERED:
        return functions.call(f"{of}_out", node.copy(), session=session)
    return None
