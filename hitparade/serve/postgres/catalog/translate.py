"""Turns the tree of a statement about the catalogs into DuckDB's SQL over our tables."""

import re
from collections.abc import Callable

from sqlglot import exp

from hitparade.serve.postgres.catalog import arrays, facts, functions
from hitparade.serve.postgres.catalog.create import DATABASE
from hitparade.serve.postgres.catalog.create import SCHEMAS as PLACES
from hitparade.serve.postgres.catalog.errors import no_type
from hitparade.serve.postgres.catalog.names import type_name
from hitparade.serve.postgres.catalog.results import REGISTERED
from hitparade.serve.postgres.catalog.session import Session
from hitparade.serve.postgres.catalog.session_rows import rows_of
from hitparade.serve.postgres.catalog.sources import SCHEMAS, relation_of, shadows

_TEXTS = ("text", "varchar", "name", "bpchar")
_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.In, exp.Is, exp.NullSafeEQ)
# Types that DuckDB does not have.
_OWN_TYPES = ("oid", "name", "xid", "cid", "int2vector", "oidvector")
_NUMBERS = ("oid", "xid", "cid", "xid8", "int8", "int4", "int2")
_SYSTEM_COLUMNS = {"xmin": "1", "xmax": "0", "cmin": "0", "cmax": "0"}


class Translation:
    """A statement on its way to DuckDB; `is_touched` tells whether it asks the catalogs."""

    def __init__(self, tree: exp.Expr, session: Session) -> None:
        """Keep the tree, which is changed in place."""
        self.tree = tree
        self.session = session
        self.is_touched = False

    def run(self) -> exp.Expr:
        """Translate everything."""
        self._system_columns()
        self._tables()
        self._columns()
        for change in (
            self._without_schema,
            self._collation,
            self._subscript,
            self._any,
            arrays.joined,
            _escaped,
            _divided,
        ):
            self._each(change)
        self.tree = self._calls(self.tree)
        self._table_functions()
        return self.tree

    def _each(self, change: Callable[[exp.Expr], exp.Expr]) -> None:
        """Change all nodes in place, the inner ones first."""
        for node in reversed(list(self.tree.walk(bfs=True))):
            new = change(node)
            if new is node:
                continue
            if node is self.tree:
                self.tree = new
            else:
                node.replace(new)

    def _system_columns(self) -> None:
        """Columns that all tables of PostgreSQL have and ours have not."""
        for column in list(self.tree.find_all(exp.Column)):
            name = column.name.lower()
            if name in _SYSTEM_COLUMNS and self._is_of_catalog(column):
                column.replace(exp.Literal.number(_SYSTEM_COLUMNS[name]))
            elif name == "tableoid" and (table := self._is_of_catalog(column)):
                column.replace(
                    functions.call("regclass_in", exp.Literal.string(table), session=self.session)
                )

    def _is_of_catalog(self, column: exp.Column) -> str | None:
        select = column.find_ancestor(exp.Select)
        for table in select.find_all(exp.Table) if select else []:
            is_meant = not column.table or table.alias_or_name.lower() == column.table.lower()
            relation = (
                relation_of(table, shadows(self.tree), self.session.database) if is_meant else None
            )
            if relation is not None:
                return f"{relation.schema}.{relation.name}"
        return None

    def _tables(self) -> None:
        hidden = shadows(self.tree)
        for table in list(self.tree.find_all(exp.Table)):
            relation = relation_of(table, hidden, self.session.database)
            if relation is None:
                continue
            self.is_touched = True
            alias = table.args.get("alias") or exp.TableAlias(this=exp.to_identifier(table.name))
            joins = table.args.get("joins")
            place = f"{DATABASE}.{PLACES[relation.schema]}.{relation.name}"
            own = rows_of(relation.name, place, self.session)
            if own is None:
                new: exp.Expr = exp.to_table(place)
            else:
                new = exp.Subquery(this=exp.Var(this=own))
            new.set("alias", alias)
            if joins:
                new.set("joins", joins)
            table.replace(new)

    def _columns(self) -> None:
        for column in self.tree.find_all(exp.Column):
            if column.args.get("db") and column.text("db").lower() in SCHEMAS:
                column.set("db", None)
                column.set("catalog", None)

    def _without_schema(self, node: exp.Expr) -> exp.Expr:
        """pg_catalog.f(x) and information_schema.f(x)."""
        if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Func):
            schema = node.this.name.lower() if isinstance(node.this, exp.Identifier) else ""
            if schema in SCHEMAS:
                return functions.unqualified(schema, node.expression)
        return node

    def _collation(self, node: exp.Expr) -> exp.Expr:
        return node.this if isinstance(node, exp.Collate) else node

    def _subscript(self, node: exp.Expr) -> exp.Expr:
        """A subscript of a vector: PostgreSQL counts from 0, DuckDB from 1."""
        if not (isinstance(node, exp.Bracket) and arrays.is_vector(node.this)):
            return node
        place = node.expressions[0]
        if len(node.expressions) != 1 or isinstance(place, exp.Slice):
            return node
        # sqlglot has reduced numbers by 1, as for any array.
        first: exp.Expr = exp.Literal.number(int(place.to_py()) + 2) if place.is_int else place + 1
        return exp.Anonymous(this="list_extract", expressions=[node.this, first])

    def _any(self, node: exp.Expr) -> exp.Expr:
        """X = any(array), x <> all(array) and x like any(array)."""
        if not isinstance(node, exp.Binary):
            return node
        right = node.expression
        if isinstance(right, exp.Any):
            quantity, inner = "any", right.this
        elif isinstance(right, exp.Anonymous) and right.name.lower() == "all":
            quantity, inner = "all", right.expressions[0]
        else:
            return node
        while isinstance(inner, exp.Paren):
            inner = inner.this
        if isinstance(inner, exp.Query | exp.Subquery):
            return node
        return arrays.quantified(node, quantity, arrays.members(inner))

    def _calls(self, tree: exp.Expr) -> exp.Expr:
        """Casts and calls, the inner ones first."""
        for node in reversed(list(tree.walk(bfs=True))):
            new: exp.Expr | None = None
            if isinstance(node, exp.Cast):
                new = self._cast(node)
            elif isinstance(node, exp.RegexpLike | exp.RegexpILike):
                new = None
            elif isinstance(node, exp.Substring):
                new = _substring(node)
            elif isinstance(node, exp.Func | exp.Column) and not isinstance(node, exp.Connector):
                new = functions.replacement(node, self.session)
                self.is_touched = self.is_touched or new is not None
            if new is None or new is node:
                continue
            if node is tree:
                tree = new
            else:
                node.replace(new)
        return tree

    def _cast(self, node: exp.Cast) -> exp.Expr:
        name = type_name(node)
        inner = node.this
        if name in REGISTERED:
            self.is_touched = True
            return self._registered(name, node)
        self.is_touched = self.is_touched or name in _OWN_TYPES
        if name.endswith("[]") or node.to.is_type("array"):
            return arrays.array(node)
        if name in _NUMBERS[:4]:
            return exp.cast(inner, "bigint")
        if name in ("char", *_TEXTS, "cstring", "inet", "pg_node_tree", "aclitem", "unknown"):
            if arrays.is_vector(inner):
                inner = exp.Anonymous(
                    this="array_to_string", expressions=[inner, exp.Literal.string(" ")]
                )
            if name in ("char", "name", "cstring", "inet", "pg_node_tree", "aclitem", "unknown"):
                return exp.cast(inner, "text")
            return (
                exp.cast(inner, name, dialect="postgres")
                if _is_qualified(node)
                else exp.Cast(this=inner, to=node.to)
            )
        if name in ("sql_identifier", "character_data", "yes_or_no"):
            return exp.cast(inner, "text")
        if name == "cardinal_number":
            return exp.cast(inner, "int")
        if name in ("jsonb", "json"):
            return exp.cast(inner, "json")
        if name in ("int2vector", "oidvector"):
            return exp.cast(inner, "bigint[]") if arrays.is_vector(inner) else arrays.vector(inner)
        if isinstance(node.to, exp.DataType) and node.to.this == exp.DType.USERDEFINED:
            if name not in facts.type_ids():
                raise no_type(node.to.sql("postgres"))
            return exp.cast(inner, facts.duckdb_type(name), dialect="duckdb")
        return node

    def _registered(self, name: str, node: exp.Cast) -> exp.Expr:
        """A regclass and its like is a number to compare with, and a name to show.

        The number remains only where a name would be wrong: in comparisons, as an argument, and
        before a cast to another number.
        """
        stem = "regproc" if name == "regprocedure" else name
        number = functions.call(f"{stem}_in", node.this, session=self.session)
        parent = node.parent
        while isinstance(parent, exp.Paren):
            parent = parent.parent
        if isinstance(parent, exp.Cast):
            outer = type_name(parent)
            is_shown = outer in _TEXTS
        else:
            is_shown = not isinstance(
                parent, (*_COMPARISONS, exp.Func, exp.Any, exp.Tuple, exp.Array)
            )
            is_shown = is_shown or isinstance(
                parent,
                exp.Coalesce | exp.Case | exp.If | exp.ArrayAgg | exp.GroupConcat | exp.Concat,
            )
        if not is_shown:
            return number
        shown = node.this if not _is_text(node.this) else number
        return functions.call(f"{name}_out", shown, session=self.session)

    def _table_functions(self) -> None:
        """Functions in FROM: those that give one value become a query."""
        for table in list(self.tree.find_all(exp.Table, exp.Lateral)):
            call = table.this
            if isinstance(call, exp.Anonymous) and call.name.rpartition(".")[2] in _ROWS:
                _unnest(table, call)
                continue
            if isinstance(call, exp.Func | exp.Literal | exp.Cast) and not _gives_rows(call):
                alias = table.args.get("alias")
                name = table.alias or "value"
                columns = alias.args.get("columns") if alias else None
                column = columns[0].name if columns else name
                query = exp.select(exp.alias_(call.copy(), column))
                table.replace(
                    exp.Subquery(this=query, alias=exp.TableAlias(this=exp.to_identifier(name)))
                )


_ROW_MACROS = (
    *("pg_get_keywords", "pg_show_all_settings", "pg_listening_channels", "pg_timezone_names"),
    "pg_available_extensions",
)


# Macros that unnest the list of another macro: in FROM the list itself is unnested.
_ROWS = {"pg_partition_ancestors": False, "_pg_expandarray": True, "aclexplode": True}


def _unnest(table: exp.Expr, call: exp.Anonymous) -> None:
    """A function in FROM that returns rows, with several columns or one."""
    name = call.name.rpartition(".")[2]
    members = exp.Anonymous(this=f"{functions.CATALOG}.{name}_list", expressions=call.expressions)
    if not _ROWS[name]:
        table.set("this", exp.Anonymous(this="unnest", expressions=[members]))
        return
    alias = table.args.get("alias") or exp.TableAlias(this=exp.to_identifier(name))
    listed = members.sql("duckdb", normalize_functions=False)
    query = exp.Var(this=f"(select unnest({listed}, recursive := true))")
    table.replace(exp.Lateral(this=query, alias=alias))


def _gives_rows(call: exp.Expr) -> bool:
    name = functions.function_name(call)
    if isinstance(call, exp.Anonymous) and "." in call.name:
        return call.name.rpartition(".")[2] in _ROW_MACROS
    return isinstance(call, exp.Func) and name in ("unnest", "generate_series", "range")


def _is_qualified(node: exp.Cast) -> bool:
    return isinstance(node.to, exp.DataType) and node.to.this == exp.DType.USERDEFINED


def _is_text(node: exp.Expr) -> bool:
    return isinstance(
        node, exp.Literal | exp.Parameter | exp.Placeholder | exp.DPipe | exp.Concat
    ) or (isinstance(node, exp.Anonymous) and node.name == "concat")


def _escaped(node: exp.Expr) -> exp.Expr:
    """A pattern of LIKE: a backslash escapes in PostgreSQL, and nothing does in DuckDB."""
    if not isinstance(node, exp.Like | exp.ILike) or isinstance(node.parent, exp.Escape):
        return node
    pattern = node.expression
    if isinstance(pattern, exp.Literal) and "\\" not in pattern.name:
        return node
    return exp.Escape(this=node.copy(), expression=exp.Literal.string("\\"))


_INTEGERS = ("int2", "int4", "int8", "oid")


def _divided(node: exp.Expr) -> exp.Expr:
    """A division of integers gives an integer."""
    if isinstance(node, exp.Div) and _is_integer(node.this) and _is_integer(node.expression):
        return exp.IntDiv(this=node.this, expression=node.expression)
    return node


def _is_integer(node: exp.Expr) -> bool:
    if isinstance(node, exp.Paren | exp.Neg):
        return _is_integer(node.this)
    if isinstance(node, exp.Add | exp.Sub | exp.Mul):
        return _is_integer(node.this) and _is_integer(node.expression)
    if isinstance(node, exp.Cast):
        return type_name(node) in _INTEGERS
    return isinstance(node, exp.Count | exp.IntDiv) or bool(node.is_int)


def _substring(node: exp.Substring) -> exp.Expr | None:
    """substring(text from pattern)."""
    pattern = node.args.get("start")
    if isinstance(pattern, exp.Literal) and pattern.is_string:
        group = 1 if re.search(r"(?<!\\)\((?!\?)", pattern.name) else 0
        found = exp.Anonymous(
            this="regexp_extract",
            expressions=[node.this.copy(), pattern.copy(), exp.Literal.number(group)],
        )
        return exp.Nullif(this=found, expression=exp.Literal.string(""))
    return None
