"""The statements that concern the session and not the database: SET, BEGIN, DECLARE and so on."""

import re
from dataclasses import dataclass

from hitparade.serve.postgres.catalog import statements

_COMMENTS = re.compile(r"\A(?:\s+|--[^\n]*(?:\n|\Z)|/\*.*?\*/)+", re.DOTALL)
LONGEST = 10_000  # characters of a command other than DECLARE, which has a query
_NAME = r'(?:"[^"]+"|[\w.$]+)'


@dataclass(frozen=True)
class Command:
    """One statement of the session.

    Attributes:
        tag: what the client is told when it has been carried out.
        parts: the named parts of the statement.
    """

    tag: str
    parts: dict[str, str]


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(rf"\A{text}\s*\Z", re.IGNORECASE | re.DOTALL)


# The tag, and the statement. Settings of transactions are read and not kept: all are read-only.
_COMMANDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("BEGIN", _pattern(r"(?:BEGIN|START\s+TRANSACTION)\b.*")),
    ("COMMIT", _pattern(r"(?:COMMIT|END)(?:\s+(?:WORK|TRANSACTION))?(?:\s+AND\s+NO\s+CHAIN)?")),
    ("SAVEPOINT", _pattern(rf"SAVEPOINT\s+(?P<name>{_NAME})")),
    ("RELEASE", _pattern(rf"RELEASE\s+(?:SAVEPOINT\s+)?(?P<name>{_NAME})")),
    (
        "ROLLBACK TO",
        _pattern(rf"ROLLBACK\s+(?:WORK\s+|TRANSACTION\s+)?TO\s+(?:SAVEPOINT\s+)?(?P<name>{_NAME})"),
    ),
    (
        "ROLLBACK",
        _pattern(r"(?:ROLLBACK|ABORT)(?:\s+(?:WORK|TRANSACTION))?(?:\s+AND\s+NO\s+CHAIN)?"),
    ),
    ("SET TRANSACTION", _pattern(r"SET\s+(?:SESSION\s+CHARACTERISTICS\s+AS\s+)?TRANSACTION\b.*")),
    ("SET", _pattern(r"SET\s+(?:SESSION\s+|LOCAL\s+)?TIME\s+ZONE\s+(?P<zone>.+)")),
    ("SET", _pattern(r"SET\s+NAMES\s+(?P<encoding>.+)")),
    ("SET", _pattern(r"SET\s+(?:SESSION\s+)?(?:ROLE|SESSION\s+AUTHORIZATION)\s+(?P<role>.+)")),
    (
        "SET",
        _pattern(
            rf"SET\s+(?:SESSION\s+|(?P<local>LOCAL)\s+)?(?P<name>{_NAME})\s*(?:=|\bTO\b)\s*(?P<value>.+)"
        ),
    ),
    ("RESET", _pattern(r"RESET\s+(?P<all>ALL|ROLE|SESSION\s+AUTHORIZATION)")),
    ("RESET", _pattern(rf"RESET\s+(?P<name>{_NAME}|TIME\s+ZONE)")),
    ("SHOW", _pattern(rf"SHOW\s+(?P<name>TRANSACTION\s+ISOLATION\s+LEVEL|TIME\s+ZONE|{_NAME})")),
    ("DISCARD", _pattern(r"DISCARD\s+(?P<what>ALL|PLANS|SEQUENCES|TEMP|TEMPORARY)")),
    ("DEALLOCATE", _pattern(rf"DEALLOCATE\s+(?:PREPARE\s+)?(?P<name>{_NAME})")),
    (
        "DECLARE CURSOR",
        _pattern(
            rf"DECLARE\s+(?P<name>{_NAME})\s+(?P<binary>BINARY\s+)?(?:(?:INSENSITIVE|ASENSITIVE)\s+)?"
            r"(?P<scroll>NO\s+SCROLL\s+|SCROLL\s+)?CURSOR\s+(?P<hold>WITH\s+HOLD\s+|WITHOUT\s+HOLD\s+)?"
            r"FOR\s+(?P<query>.+)"
        ),
    ),
    ("FETCH", _pattern(r"(?P<verb>FETCH|MOVE)\s+(?P<what>\S.*)")),
    ("CLOSE CURSOR", _pattern(rf"CLOSE\s+(?P<name>{_NAME})")),
    ("LISTEN", _pattern(rf"LISTEN\s+(?P<name>{_NAME})")),
    ("UNLISTEN", _pattern(r"UNLISTEN\s+.+")),
)
_FIRST_WORDS = {
    *("BEGIN", "START", "COMMIT", "END", "SAVEPOINT", "RELEASE", "ROLLBACK", "ABORT", "SET"),
    *("RESET", "SHOW", "DISCARD", "DEALLOCATE", "DECLARE", "FETCH", "MOVE", "CLOSE", "LISTEN"),
    "UNLISTEN",
}


def command(sql: str) -> Command | None:
    """Return what a statement asks of the session, or None if it asks the database."""
    text = without_comments(sql)
    first = re.match(r"[A-Za-z]*", text)
    if first is None or first[0].upper() not in _FIRST_WORDS:
        return None
    if len(text) > LONGEST and first[0].upper() != "DECLARE":
        return None
    for tag, pattern in _COMMANDS:
        if found := pattern.match(text):
            parts = {name: value.strip() for name, value in found.groupdict().items() if value}
            return Command(tag, parts)
    return None


@dataclass(frozen=True)
class Fetch:
    """What FETCH and MOVE ask for: the direction, how many rows, and of which cursor."""

    direction: str
    count: int
    name: str


def fetch(what: str) -> Fetch | None:
    """Read what follows FETCH or MOVE, such as `forward 10 from c`; None if it cannot be read."""
    name = re.search(r'(?:"[^"]+"|[\w.$]+)\Z', what)
    if name is None:
        return None
    words = what[: name.start()].upper().split()
    if words and words[-1] in ("FROM", "IN"):
        words.pop()
    count = words.pop() if words and re.fullmatch(r"-?\d{1,18}", words[-1]) else "1"
    return Fetch(" ".join(words), int(count), name[0])


def without_comments(sql: str) -> str:
    """Return a statement without comments before it, and without a semicolon after it."""
    return _COMMENTS.sub("", sql).strip().rstrip(";").rstrip()


def split(sql: str) -> list[str]:
    """Return the statements of a text, which semicolons separate."""
    return [part for part in statements(sql) if without_comments(part)]


def unquoted(text: str) -> str:
    """Return a value of SET without its quotes: `'a'`, `"a"`, or `a, b` with each quoted."""
    parts = re.findall(r"""'(?:[^']|'')*'|"[^"]*"|[^,\s]+""", text)
    return ", ".join(
        part[1:-1].replace("''", "'") if part[0] == "'" else part.strip('"') for part in parts
    )
