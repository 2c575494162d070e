"""Checks whether Snowflake would accept a statement, as far as this can be known without it.

sqlglot's dialect parses anything that looks like a call, and knows words of other dialects. So each
function, as written and as sqlglot understands it, must be in the list of Snowflake's functions in
functions.txt, or be created by the project. A name must not be a reserved word.
"""

import re
from pathlib import Path

from sqlglot import exp, parse
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokens import TokenType

FOLDER = Path(__file__).parent


def _words(file: str) -> frozenset[str]:
    lines = (FOLDER / file).read_text().splitlines()
    return frozenset(line.strip() for line in lines if line.strip() and line[0] != "#")


FUNCTIONS = _words("functions.txt")
RESERVED = _words("reserved.txt")


# Functions of sqlglot that Snowflake writes without a name.
OPERATORS = (exp.Array, exp.Case, exp.Cast, exp.Connector, exp.Exists, exp.If, exp.JSONExtract)


# Statements that sqlglot does not parse, but that Snowflake is known to accept.
SHAPES = re.compile(
    r"put 'file://[^']+' '?@[\w./-]+'?"
    r"( (overwrite|auto_compress|parallel|source_compression) ?= ?\w+)*$"
    r"|(list|remove|rm|ls) @[\w./-]+$"
    r"|show (terse )?(objects|schemas|stages|tables|views|functions|parameters|grants|databases)\b"
    r"|alter session (set|unset) \w+"
    r"|alter (table|view) [\w.]+ alter \"\w+\" comment "
    r"|call \w+|describe \w+"
    r"|create (user|role|warehouse|database) if not exists \w+( \w+ ?= ?[\w']+)*$"
    r"|alter user \w+ set \w+ ?= ?'[^']*'$"
    r"|alter task [\w.]+ resume$"
    r"|grant role \w+ to (role|user) \w+$"
    r"|grant \w+ on future \w+ in schema [\w.]+ to role \w+$",
    re.IGNORECASE,
)
TASK = re.compile(
    r"create task if not exists [\w.]+(\s+\w+ = ('[^']*'|\w+))+\s+as\s+(?P<body>.*)",
    re.IGNORECASE | re.DOTALL,
)
FOREIGN = (exp.Filter, exp.IntDiv, exp.Lambda, exp.Pragma, exp.Summarize)
TYPES = {
    *(exp.DataType.Type.ARRAY, exp.DataType.Type.OBJECT, exp.DataType.Type.VARIANT),
    *(exp.DataType.Type.BIGINT, exp.DataType.Type.INT, exp.DataType.Type.DECIMAL),
    *(exp.DataType.Type.DOUBLE, exp.DataType.Type.FLOAT, exp.DataType.Type.BOOLEAN),
    *(exp.DataType.Type.VARCHAR, exp.DataType.Type.TEXT, exp.DataType.Type.CHAR),
    *(exp.DataType.Type.BINARY, exp.DataType.Type.VARBINARY, exp.DataType.Type.DATE),
    *(exp.DataType.Type.TIMESTAMP, exp.DataType.Type.TIMESTAMPNTZ, exp.DataType.Type.SMALLINT),
    *(exp.DataType.Type.TIMESTAMPTZ, exp.DataType.Type.TINYINT, exp.DataType.Type.UNKNOWN),
    exp.DataType.Type.TIMESTAMPLTZ,
}
# Words followed by a parenthesis.
WORDS = {"exclude", "group"}
# A name of a table, an alias or one of the project's functions follows these.
NO_CALL = {TokenType.DOT, TokenType.TABLE, TokenType.VIEW, TokenType.INTO, TokenType.ALIAS}


class DialectError(ValueError):
    """A statement that Snowflake would refuse."""


def checked(statement: str, known: frozenset[str] = frozenset()) -> list[exp.Expression]:
    """Return the trees of statements that use only SQL of Snowflake.

    Raises:
        DialectError: a function is neither Snowflake's nor among the known ones, a call has
            arguments by position and by name, or a name is a reserved word.
    """
    for name in called(statement):
        if name not in FUNCTIONS and name not in known:
            raise DialectError(f"Unknown function {name}")
    try:
        trees = [tree for tree in parse(statement, read="snowflake") if tree is not None]
    except ParseError as error:
        raise DialectError(str(error)) from error
    for tree in trees:
        _refuse_foreign(tree)
        for name in functions(tree):
            if name not in FUNCTIONS and name not in known:
                raise DialectError(f"Unknown function {name}")
        for call in tree.find_all(exp.Anonymous):
            if len({isinstance(one, exp.Kwarg) for one in call.expressions}) == 2:
                raise DialectError(f"Arguments by position and by name: {call.sql()[:200]}")
        for identifier in tree.find_all(exp.Identifier):
            if identifier.quoted or isinstance(tree, exp.Grant):  # on account, of all
                continue
            if identifier.name.lower() in RESERVED:
                raise DialectError(f"{identifier.name} is a reserved word: {tree.sql()[:200]}")
    return trees


def _refuse_foreign(tree: exp.Expression) -> None:
    """Refuse SQL that sqlglot accepts from other dialects, or that it does not parse.

    Raises:
        DialectError: the tree contains such SQL.
    """
    text = tree.sql(dialect="snowflake", comments=False)
    if task := TASK.match(text):
        checked(task["body"])
        return
    if isinstance(tree, exp.Command) and not SHAPES.match(text):
        raise DialectError(f"Not looked into, and none of the known shapes: {text[:200]}")
    if isinstance(tree, exp.Alias | exp.Column | exp.Identifier):
        raise DialectError(f"no statement: {text[:200]}")
    for node in tree.find_all(*FOREIGN):
        raise DialectError(f"{type(node).__name__} is not of Snowflake: {node.sql()[:200]}")
    for join in tree.find_all(exp.Join):
        if join.side in ("ANTI", "SEMI") or join.kind in ("ANTI", "SEMI", "ASOF"):
            raise DialectError(f"a join of another dialect: {join.sql()[:200]}")
    for type_ in tree.find_all(exp.DataType):
        if type_.this not in TYPES or (type_.expressions and type_.args.get("nested")):
            raise DialectError(f"{type_.sql()} is no type of Snowflake")
    for number in tree.find_all(exp.Literal):
        if not number.is_string and "e" in number.name.lower():
            raise DialectError(f"{number.name} is fixed-point there: cast it to double")
    if isinstance(tree, exp.Insert) and tree.args.get("by_name"):
        raise DialectError("insert knows no columns by name")


def called(statement: str) -> set[str]:
    """Return the names before a parenthesis, in lower case.

    sqlglot maps many names of other dialects to one of Snowflake's, such as string_agg to listagg:
    in the tree they are equal. Qualified names, types and aliases with columns are not functions.
    """
    try:
        tokens = Dialect.get_or_raise("snowflake").tokenize(statement)
    except TokenError as error:
        raise DialectError(str(error)) from error
    found = set()
    for before, token, after in zip([None, *tokens], tokens, tokens[1:], strict=False):
        if token.token_type is not TokenType.VAR or after.token_type is not TokenType.L_PAREN:
            continue
        if before is None or before.token_type not in NO_CALL:
            found.add(token.text.lower())
    return found - WORDS


def functions(tree: exp.Expression) -> set[str]:
    """Return Snowflake's names of the functions that a tree calls, in lower case."""
    found = set()
    for node in tree.find_all(exp.Func):
        if isinstance(node, exp.Anonymous | exp.AnonymousAggFunc):
            found.add(node.name.lower())
        elif not isinstance(node, OPERATORS):
            found.add(_written(node))
    return found


def _written(node: exp.Func) -> str:
    """Return the name that Snowflake uses for a function that sqlglot names differently."""
    text = node.sql(dialect="snowflake")
    return text.partition("(")[0].strip().lower() if "(" in text else text.strip().lower()
