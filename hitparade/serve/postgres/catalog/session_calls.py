"""Statements that ask only who and where the session is: DuckDB's SQL but for these calls.

They are changed as text. What else stands in them keeps the meaning that DuckDB gives it.
"""

import re

from hitparade.serve.postgres.catalog.scanning import asks_catalog, in_code
from hitparade.serve.postgres.catalog.session import Session

_CALL = re.compile(
    r"""
    (?<![\w.$"])(?:pg_catalog\s*\.\s*)?
    (?:
        (current_user|session_user|current_role|current_catalog)(?:\s*\(\s*\))?
        | (current_schema)(?:\s*\(\s*\))?
        | (current_database|version|pg_backend_pid)\s*\(\s*\)
    )
    (?![\w$"]|\s*[.(])
    """,
    re.VERBOSE | re.IGNORECASE,
)
# Without a table, `user` can only be the function.
_USER = re.compile(r"\bselect\s+(user)\s*\Z", re.IGNORECASE)


def with_values(sql: str, session: Session) -> str | None:
    """Return a statement with the values of its calls; None if it asks for anything else."""
    if asks_catalog(in_code(lambda code: _USER.sub("", _CALL.sub(" ", code)), sql)):
        return None
    values = _values(session)

    def value(name: str) -> str:
        return f'__postgres.session."{name.lower()}"({values[name.lower()]})'

    def replaced(code: str) -> str:
        code = _CALL.sub(lambda found: value(next(filter(None, found.groups()))), code)
        return _USER.sub(lambda found: found[0][: -len(found[1])] + value("user"), code)

    return in_code(replaced, sql)


def _values(session: Session) -> dict[str, str]:
    user, database = _text(session.user), _text(session.database)
    return {
        "current_user": user,
        "session_user": user,
        "current_role": user,
        "user": user,
        "current_catalog": database,
        "current_database": database,
        "current_schema": _current_schema(session),
        "version": _text(session.version),
        "pg_backend_pid": str(session.pid),
    }


def _current_schema(session: Session) -> str:
    """The first schema of the search path that exists."""
    names = ", ".join(map(_text, session.path))
    return f"__postgres.catalog.first_of(__postgres.catalog.existing([{names}]))"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
