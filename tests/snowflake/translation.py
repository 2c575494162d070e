"""DuckDB SQL for functions that fakesnow answers differently from Snowflake's documentation.

The tree of a statement is rewritten before fakesnow translates it: some calls become calls of the
macros below, which every database of the emulator has.
"""

import importlib.metadata
from collections.abc import Iterable

from sqlglot import exp, parse_one

from tests.snowflake.packages import HERE

# Functions that fakesnow answers differently from Snowflake, as DuckDB macros over JSON.
MACROS = """
create or replace macro {catalog}._flatten(items, is_outer) as table
    select
        cast(u.index as bigint) as index,
        u.value as value
    from (
        select
            unnest(case
                when coalesce(json_array_length(items), 0) > 0 then cast(items as json[])
                when is_outer then [cast(null as json)]
                else cast([] as json[])
            end) as value,
            unnest(case
                when coalesce(json_array_length(items), 0) > 0
                    then range(cast(json_array_length(items) as bigint))
                when is_outer then [cast(null as bigint)]
                else cast([] as bigint[])
            end) as index
    ) as u;
create or replace macro {catalog}._array_cat(a, b) as case
    when a is not null and b is not null
        then to_json(list_concat(cast(to_json(a) as json[]), cast(to_json(b) as json[])))
end;
create or replace macro {catalog}._array_to_string(a, separator) as case
    when a is not null and cast(to_json(a) as varchar) <> 'null'
        then array_to_string(list_transform(
            cast(to_json(a) as json[]), lambda x: coalesce(x ->> '$', '')
        ), separator)
end;
create or replace macro {catalog}._array_contains(v, a) as
    list_contains(cast(cast(to_json(a) as json[]) as varchar[]), cast(to_json(v) as varchar));
create or replace macro {catalog}._get(v, path) as json_extract(to_json(v), path);
create or replace macro {catalog}._is_object(v) as
    coalesce(json_type(to_json(v)) = 'OBJECT', false);
create or replace macro {catalog}._as_array(v) as case
    when json_type(to_json(v)) = 'ARRAY' then to_json(v)
end;
create or replace macro {catalog}._variant_text(v) as case
    when json_type(to_json(v)) <> 'NULL' then to_json(v) ->> '$'
end;
create or replace macro {catalog}._timestamp(v) as case
    when typeof(v) in ('VARCHAR', '"NULL"') then cast(cast(v as varchar) as timestamp)
    else make_timestamp(cast(cast(v as varchar) as bigint) * 1000000)
end;
create or replace macro {catalog}._parse_json(v) as cast(cast(v as varchar) as json);
create or replace macro {catalog}._hex(text) as cast('0x' || text as bigint);
create or replace macro {catalog}._divided(a, b) as case
    when b = 0 then error('Division by zero')
    when regexp_full_match(typeof(a), '(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DECIMAL.*)')
        and regexp_full_match(typeof(b), '(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DECIMAL.*)')
        then round(cast(a as double) / cast(b as double), 6)
    else cast(a as double) / cast(b as double)
end;
create or replace macro {catalog}._only_text(v) as case
    when typeof(v) in ('VARCHAR', '"NULL"') then cast(v as varchar)
    else error('TRY_CAST takes text, got ' || typeof(v))
end;
"""


# Properties of a session.
SESSION = {
    "current_version()": "emulated",
    "current_role()": "HITPARADE",
    "current_warehouse()": "HITPARADE",
}
# The packages of an account.
PACKAGES = "information_schema.packages"


def _installed_packages() -> exp.Subquery:
    there = {here: name for name, here in HERE.items()}
    names = {one.metadata["Name"] for one in importlib.metadata.distributions()}
    rows = ", ".join(f"('{there.get(name, name)}', 'python', '3.11')" for name in sorted(names))
    query = f"select * from (values {rows}) as p (package_name, language, runtime_version)"
    return parse_one(query).subquery("p")


def macros(catalog: str) -> str:
    """Return the statements that create the macros in a database."""
    return MACROS.replace("{catalog}", catalog)


def translated(tree: exp.Expression, functions: dict[str, str]) -> exp.Expression:
    """Return a tree in which calls that fakesnow answers differently use the macros.

    Args:
        tree: the statement; it is changed.
        functions: full names of the created functions by last name.
    """
    # From the leaves up, because replacements are not visited again.
    for node in reversed(list(tree.walk())):
        translation = _translated(node, functions)
        if translation is not node and node is tree:
            tree = translation
        elif translation is not node:
            node.replace(translation)
    return tree


def _call(name: str, *arguments: exp.Expression) -> exp.Anonymous:
    return exp.Anonymous(this=name, expressions=list(arguments))


def _translated(node: exp.Expression, functions: dict[str, str]) -> exp.Expression:
    if isinstance(node, exp.Lateral | exp.TableFromRows) and isinstance(node.this, exp.Explode):
        return _flattened(node)
    if isinstance(node, exp.Parameter) and node.this.is_int and node.find_ancestor(exp.Select):
        # Snowpark's names for the columns of VALUES; fakesnow names them column1 and so on.
        return exp.column(f"column{node.this.this}")
    if isinstance(node, exp.ColumnDef):
        # DuckDB comments need separate statements, and fakesnow supports no others.
        comments = [
            one
            for one in node.args.get("constraints", [])
            if isinstance(one.kind, exp.CommentColumnConstraint)
        ]
        for comment in comments:
            comment.pop()
        return node
    if isinstance(node, exp.Create) and (clone := node.args.get("clone")):
        # fakesnow ignores OR REPLACE when it clones a table.
        node.set("clone", None)
        node.set("expression", exp.select("*").from_(clone.this))
        return node
    if isinstance(node, exp.Table) and f"{node.db}.{node.name}".lower() == PACKAGES:
        return _installed_packages()
    if isinstance(node, exp.Func) and (answer := SESSION.get(node.sql("snowflake").lower())):
        return exp.Literal.string(answer)
    if isinstance(node, exp.PropertyEQ) and isinstance(node.this, exp.Identifier):
        # The key of an object is text; fakesnow converts it to upper case, like a name.
        node.this.set("quoted", True)
        return node
    if isinstance(node, exp.GetExtract):
        key = node.expression.find(exp.JSONPathKey, exp.JSONPathSubscript, exp.Literal)
        path = (
            f"$[{key.this}]"
            if isinstance(key.this, int) or key.this.isdigit()
            else f'$."{key.this}"'
        )
        return _call("_get", node.this, exp.Literal.string(path))
    if isinstance(node, exp.ArrayConcat):
        return _call("_array_cat", node.this, *node.expressions)
    if isinstance(node, exp.ArrayToString):
        return _call("_array_to_string", node.this, node.expression)
    if isinstance(node, exp.ArrayContains):
        # sqlglot keeps the array first
        return _call("_array_contains", node.expression, node.this)
    if isinstance(node, exp.ToVariant):
        return _call("to_json", node.this)
    if isinstance(node, exp.ParseJSON) and not node.args.get("safe"):
        return _call("_parse_json", node.this)
    if isinstance(node, exp.Anonymous) and node.name.lower() == "parse_json":
        return _call("_parse_json", *node.expressions)
    if isinstance(node, exp.ToNumber) and node.args.get("format"):
        return _call("_hex", node.this)
    if isinstance(node, exp.Anonymous) and node.name.lower() in ("is_object", "as_array"):
        return _call(f"_{node.name.lower()}", *node.expressions)
    if isinstance(node, exp.Anonymous) and node.name.lower() == "to_timestamp_ntz":
        return _call("_timestamp", node.expressions[0])
    if _is_unqualified(node) and node.name.lower() in functions:
        # Snowflake looks in the schema of the session, or of the function that calls.
        *home, _ = functions[node.name.lower()].split(".")
        call = _call(node.name, *node.expressions)
        return exp.Dot.build([*(exp.to_identifier(part) for part in home), call])
    if isinstance(node, exp.WithinGroup) and isinstance(node.this, exp.ArrayAgg):
        # Snowflake's list of no values is empty; fakesnow's is NULL.
        return exp.Coalesce(this=node.copy(), expressions=[_call("json_array")])
    if isinstance(node, exp.Div):
        return _call("_divided", node.this, node.expression)
    if isinstance(node, exp.TryCast):
        node.set("this", _call("_only_text", node.this))
        return node
    if isinstance(node, exp.Cast) and _is_variant(node.this):
        return (
            exp.cast(_call("_variant_text", node.this), node.to.copy())
            if node.to.this
            not in (exp.DataType.Type.ARRAY, exp.DataType.Type.OBJECT, exp.DataType.Type.VARIANT)
            else node
        )
    return node


def _is_unqualified(node: exp.Expression) -> bool:
    return isinstance(node, exp.Anonymous) and not isinstance(node.parent, exp.Dot)


def _is_variant(node: exp.Expression) -> bool:
    """True for an expression that may be JSON: cast to text, it loses its quotes."""
    return (
        isinstance(node, exp.GetExtract)
        or (isinstance(node, exp.Anonymous) and node.name == "_get")
        or (isinstance(node, exp.Column) and node.name.lower() == "value" and bool(node.table))
    )


def _flattened(node: exp.Expression) -> exp.Table:
    arguments: Iterable = [node.this.this, *node.this.expressions]
    named = {one.this.name.lower(): one.expression for one in arguments}
    alias = exp.TableAlias(this=node.args["alias"].this.copy())
    outer = named.get("outer", exp.false())
    return exp.Table(this=_call("_flatten", named["input"], outer), alias=alias)
