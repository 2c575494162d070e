"""Statements as text: their code apart from literals, quoted names and comments."""

import re
from collections.abc import Callable

# Each of them may lack its end, so that a text without one takes no more time than others.
_NO_CODE = re.compile(
    r"""
    [eE]'(?:[^'\\]+|\\.|'')*(?:'|\Z)        # a text with escapes
    | '[^']*(?:''[^']*)*(?:'|\Z)            # a text
    | "[^"]*(?:""[^"]*)*(?:"|\Z)            # a quoted name
    | --[^\n]*                              # comments
    | /\*.*?(?:\*/|\Z)
    | \$(\w*)\$.*?(?:\$\1\$|\Z)             # a dollar-quoted text; $1 is no such thing
    """,
    re.VERBOSE | re.DOTALL,
)
_STATEMENT_END = re.compile(rf"{_NO_CODE.pattern}|;", re.VERBOSE | re.DOTALL)
# Names that only a statement about the catalogs has, or one that asks about the session.
_WORDS = re.compile(
    r"""
    \b(?:
        pg_(?!sleep\b)\w+ | information_schema
        | current_(?:schemas?|database|catalog|user|role|setting)
        | session_user | set_config | has_\w+_privilege | format_type | \w+_description
        | inet_(?:server|client)_\w+ | txid_current\w* | quote_(?:ident|literal|nullable)
        | to_reg\w+ | reg(?:class|type|proc|procedure|namespace|role|oper|config|collation)
        | getdatabaseencoding
    )\b
    | ::\s*(?:oid|name|xid|cid|int2vector|oidvector)\b
    | \bversion\s*\(\s*\)
    | \buser\b
    """,
    re.VERBOSE | re.IGNORECASE,
)
_QUOTED_CATALOG = re.compile(r'"(?:pg_\w+|information_schema)"')


def asks_catalog(sql: str) -> bool:
    """Whether a statement may ask something of the catalogs or the session; quick."""
    if not _WORDS.search(sql):
        return False
    code = _NO_CODE.sub(lambda found: found[0] if _QUOTED_CATALOG.match(found[0]) else " ", sql)
    return bool(_WORDS.search(code))


def no_code(sql: str) -> list[tuple[int, int]]:
    """Where the literals, quoted names and comments of a statement begin and end."""
    return [found.span() for found in _NO_CODE.finditer(sql)]


def statements(sql: str) -> list[str]:
    """The statements of a text, which semicolons separate."""
    parts, start = [], 0
    for found in _STATEMENT_END.finditer(sql):
        if found[0] == ";":
            parts.append(sql[start : found.start()])
            start = found.end()
    return [*parts, sql[start:]]


def in_code(change: Callable[[str], str], sql: str) -> str:
    """Change the code of a statement, and leave its literals, quoted names and comments."""
    pieces = []
    start = 0
    for found in _NO_CODE.finditer(sql):
        pieces += [change(sql[start : found.start()]), found[0]]
        start = found.end()
    return "".join([*pieces, change(sql[start:])])
