"""What Snowflake takes of a statement, as far as it can be known without one.

sqlglot's dialect parses anything that looks like a call, and knows the words of other dialects. So
each function, as it is written and as sqlglot understands it, must stand in the list of Snowflake's
own in functions.txt, or be one that the project created; and no name may be a reserved word.
"""

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


# What sqlglot counts among the functions, and Snowflake writes without a name.
OPERATORS = (exp.Array, exp.Case, exp.Cast, exp.Connector, exp.Exists, exp.If, exp.JSONExtract)


# Words that a parenthesis follows.
WORDS = {"exclude", "group"}
# After these stands a name of a table, of an alias or of one of the project's own functions.
NO_CALL = {TokenType.DOT, TokenType.TABLE, TokenType.VIEW, TokenType.INTO, TokenType.ALIAS}


class DialectError(ValueError):
    """A statement that Snowflake would refuse."""


def checked(statement: str, known: frozenset[str] = frozenset()) -> list[exp.Expression]:
    """Return the trees of statements that use nothing but what Snowflake has.

    Raises:
        DialectError: a function that is neither Snowflake's nor among the known ones, or a
            reserved word as a name.
    """
    for name in called(statement):
        if name not in FUNCTIONS and name not in known:
            raise DialectError(f"Unknown function {name}")
    try:
        trees = [tree for tree in parse(statement, read="snowflake") if tree is not None]
    except ParseError as error:
        raise DialectError(str(error)) from error
    for tree in trees:
        for name in functions(tree):
            if name not in FUNCTIONS and name not in known:
                raise DialectError(f"Unknown function {name}")
        for identifier in tree.find_all(exp.Identifier):
            if not identifier.quoted and identifier.name.lower() in RESERVED:
                raise DialectError(f"{identifier.name} is a reserved word: {tree.sql()[:200]}")
    return trees


def called(statement: str) -> set[str]:
    """Return the names before a parenthesis, in small letters.

    sqlglot takes many a name of other dialects for one of Snowflake's, such as string_agg for
    listagg: in the tree they are the same. A qualified name, a type and what gets an alias with
    columns are no functions of Snowflake.
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
    """Return the names of the functions that a tree calls, in small letters, as Snowflake's."""
    found = set()
    for node in tree.find_all(exp.Func):
        if isinstance(node, exp.Anonymous | exp.AnonymousAggFunc):
            found.add(node.name.lower())
        elif not isinstance(node, OPERATORS):
            found.add(_written(node))
    return found


def _written(node: exp.Func) -> str:
    """The name that Snowflake has for what sqlglot calls otherwise: as it would be written."""
    text = node.sql(dialect="snowflake")
    return text.partition("(")[0].strip().lower() if "(" in text else text.strip().lower()
