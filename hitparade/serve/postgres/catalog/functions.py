"""Functions of PostgreSQL in statements about the catalogs."""

import re
from functools import cache
from pathlib import Path

from sqlglot import exp

from hitparade.serve.postgres.catalog import facts
from hitparade.serve.postgres.catalog.errors import CatalogError, no_function
from hitparade.serve.postgres.catalog.session import Session

CATALOG = "__postgres.catalog"
INFORMATION = "__postgres.information"
# Their macros have the search path as a further argument.
_WITH_PATH = (
    *("pg_table_is_visible", "pg_type_is_visible", "pg_function_is_visible", "to_regclass"),
    *(
        "pg_get_indexdef",
        "pg_get_constraintdef",
        "regclass_in",
        "regclass_out",
        "regproc_out",
        "regprocedure_out",
    ),
)
# DuckDB has these too.
_NATIVE = ("pg_typeof",)
# DuckDB has these under other names.
_RENAMED = {
    "json_build_object": "json_object",
    "jsonb_build_object": "json_object",
    "json_build_array": "json_array",
    "json_agg": "json_group_array",
    "jsonb_agg": "json_group_array",
    "row_to_json": "to_json",
    "jsonb_array_length": "json_array_length",
    "to_jsonb": "to_json",
}
_NAME = re.compile(r'^"?(\w+)"?')
_MACRO = re.compile(r"create macro (catalog|information)\.(\w+)")
# Functions that a client may call with any DuckDB function's name in pg_catalog.
_KNOWN = {
    *("abs", "age", "array_agg", "array_length", "array_to_string", "bool_and", "bool_or", "btrim"),
    *("ceil", "chr", "coalesce", "concat", "concat_ws", "count", "current_date", "date_trunc"),
    *("extract", "floor", "format", "generate_series", "generate_subscripts", "greatest", "least"),
    *("left", "length", "lower", "lpad", "ltrim", "max", "md5", "min", "mod", "now", "nullif"),
    *("octet_length", "position", "regexp_matches", "regexp_replace", "repeat", "replace"),
    *("reverse", "right", "round", "row_number", "rpad", "rtrim", "split_part", "string_agg"),
    *("string_to_array", "strpos", "substr", "substring", "sum", "to_char", "translate", "trim"),
    *("unnest", "upper", "avg", "char_length", "starts_with", "array_position", "array_cat"),
    *("array_append", "date_part", "to_json", "row_to_json", "json_agg", "json_build_object"),
}


@cache
def macros() -> dict[str, str]:
    """The functions that stand in the database of the catalogs: their schema by their name."""
    script = (Path(__file__).parent / "sql" / "macros.sql").read_text(encoding="utf-8")
    return {name: schema for schema, name in _MACRO.findall(script)}


def function_name(node: exp.Expr) -> str:
    """The name of a called function in PostgreSQL, lower case."""
    if isinstance(node, exp.Anonymous):
        return node.name.lower()
    if isinstance(node, exp.Explode):
        return "unnest"
    found = _NAME.match(node.sql("postgres"))
    return found.group(1).lower() if found else ""


def call(name: str, *arguments: exp.Expr, session: Session) -> exp.Anonymous:
    """A call of one of the macros."""
    values = [*arguments, path(session)] if name in _WITH_PATH else list(arguments)
    schema = INFORMATION if macros()[name] == "information" else CATALOG
    return exp.Anonymous(this=f"{schema}.{name}", expressions=values)


def path(session: Session) -> exp.Expr:
    """The search path as a list."""
    return exp.cast(
        exp.Array(expressions=[exp.Literal.string(schema) for schema in session.path]), "text[]"
    )


def replacement(node: exp.Expr, session: Session) -> exp.Expr | None:
    """What a call becomes, or None if it remains as it is."""
    if isinstance(node, exp.Column):
        return _bare(node, session)
    name = function_name(node)
    value = _of_session(name, node, session)
    if value is not None:
        return value
    if name in macros():
        return call(name, *_arguments(name, node), session=session)
    if name == "format":
        return _format(node)
    if name in _RENAMED:
        return exp.Anonymous(this=_RENAMED[name], expressions=_arguments(name, node))
    if name.startswith(("pg_", "has_")) and name not in _NATIVE:
        raise no_function(f"{name}()")
    return None


def unqualified(schema: str, inner: exp.Expr) -> exp.Expr:
    """A call without its schema, pg_catalog or information_schema.

    Raises:
        CatalogError: there is no such function.
    """
    name = function_name(inner)
    known = macros().get(name)
    if schema == "information_schema" and known != "information":
        raise no_function(f"{schema}.{name}()")
    is_typed = not isinstance(inner, exp.Anonymous)
    if not (known or is_typed or name in _KNOWN or name in _SESSION or name.startswith("pg_")):
        raise no_function(f"{schema}.{name}()")
    return inner


def _arguments(name: str, node: exp.Expr) -> list[exp.Expr]:
    given = (
        list(node.expressions) if isinstance(node, exp.Anonymous) else list(node.iter_expressions())
    )
    return [argument.copy() for argument in given]


def _bare(node: exp.Column, session: Session) -> exp.Expr | None:
    if node.table or node.this.args.get("quoted"):
        return None
    if node.name.lower() in ("user", "current_role"):
        return exp.Literal.string(session.user)
    return None


_SESSION = {
    *("current_user", "session_user", "current_role", "user", "current_catalog", "version"),
    *("current_database", "current_schema", "current_schemas", "pg_backend_pid", "set_config"),
    *("current_setting",),
}


def _of_session(name: str, node: exp.Expr, session: Session) -> exp.Expr | None:
    text = exp.Literal.string
    if name in ("current_user", "session_user", "current_role"):
        return text(session.user)
    if name in ("current_catalog", "current_database"):
        return text(session.database)
    if name == "version":
        return text(session.version)
    if name == "pg_backend_pid":
        return exp.cast(exp.Literal.number(session.pid), "int")
    if name == "current_schema":
        return _first_schema(session)
    if name == "current_schemas":
        return _schemas(node, session)
    if name == "current_setting":
        return _setting(_arguments(name, node), session)
    if name == "set_config":
        return exp.cast(_arguments(name, node)[1], "text")
    return None


def _first_schema(session: Session) -> exp.Expr:
    if session.path and session.path[0] == "main":
        return exp.Literal.string("main")
    return exp.Anonymous(this=f"{CATALOG}.first_of", expressions=[_existing(session)])


def _existing(session: Session) -> exp.Expr:
    """The schemas of the search path that exist."""
    return exp.Anonymous(this=f"{CATALOG}.existing", expressions=[path(session)])


def _schemas(node: exp.Expr, session: Session) -> exp.Expr:
    given = _arguments("current_schemas", node)
    existing = _existing(session)
    if given and given[0].sql("duckdb").lower() in ("false", "cast('f' as boolean)"):
        return existing
    system = exp.Array(expressions=[exp.Literal.string("pg_catalog")])
    return exp.Anonymous(this="list_concat", expressions=[system, existing])


def _setting(given: list[exp.Expr], session: Session) -> exp.Expr:
    values = {**facts.settings(), **session.reported()}
    if not isinstance(given[0], exp.Literal):
        known = exp.Map(
            keys=exp.Array(expressions=[exp.Literal.string(name) for name in values]),
            values=exp.Array(expressions=[exp.Literal.string(value) for value in values.values()]),
        )
        lower = exp.Anonymous(this="lower", expressions=[given[0]])
        return exp.Anonymous(this="map_extract_value", expressions=[known, lower])
    name = given[0].name.lower()
    if name in values:
        return exp.Literal.string(values[name])
    if len(given) > 1 and given[1].sql().lower() == "true":
        return exp.cast(exp.null(), "text")
    raise CatalogError(f'unrecognized configuration parameter "{given[0].name}"', "42704")


def _format(node: exp.Expr) -> exp.Expr | None:
    """PostgreSQL's format(), whose marks are those of printf and not braces."""
    given = _arguments("format", node)
    template, values = given[0], given[1:]
    if not isinstance(template, exp.Literal):
        raise CatalogError("format: give the template as a literal")
    parts: list[exp.Expr] = []
    for piece in re.split(r"(%[sIL%])", template.name):
        if piece == "%%":
            parts.append(exp.Literal.string("%"))
        elif piece in ("%s", "%I", "%L"):
            if not values:
                raise CatalogError("too few arguments for format()", "22023")
            parts.append(_formatted(piece, values.pop(0)))
        elif piece:
            parts.append(exp.Literal.string(piece))
    return exp.Anonymous(this="concat", expressions=parts or [exp.Literal.string("")])


def _formatted(mark: str, value: exp.Expr) -> exp.Expr:
    if mark == "%s":
        return value
    name = "quote_ident" if mark == "%I" else "quote_nullable"
    return exp.Anonymous(this=f"{CATALOG}.{name}", expressions=[value])
