"""PostgreSQL's code and a sentence for each error."""

import re

import duckdb

from hitparade.serve.postgres.catalog import CatalogError
from hitparade.serve.worker.policy import Refused

# The first that fits: a class stands before those it is derived from.
SQLSTATES: tuple[tuple[type[Exception], str], ...] = (
    (duckdb.InterruptException, "57014"),
    (duckdb.OutOfMemoryException, "53200"),
    (duckdb.ParserException, "42601"),
    (duckdb.SyntaxException, "42601"),
    (duckdb.CatalogException, "42P01"),
    (duckdb.BinderException, "42703"),
    (duckdb.PermissionException, "42501"),
    (duckdb.ConversionException, "22P02"),
    (duckdb.OutOfRangeException, "22003"),
    (duckdb.InvalidInputException, "22023"),
    (duckdb.NotImplementedException, "0A000"),
    (duckdb.IOException, "58030"),
    (OSError, "58030"),
    (MemoryError, "53200"),
)
UNDEFINED_FUNCTION = "42883"
INTERNAL_ERROR = "XX000"
# DuckDB begins with the kind of error; the code tells it here.
_PREFIX = re.compile(
    r"^(?:[A-Z][A-Za-z]*(?: [A-Za-z]+){0,3}|INTERRUPT) Error: "
    r"(?:Python exception occurred while executing the UDF: \w+: )?"
)


def told(error: Exception) -> dict[str, str]:
    """Return the SQLSTATE and the message for a client."""
    if isinstance(error, Refused):
        return {"sqlstate": error.sqlstate, "message": str(error)}
    if isinstance(error, CatalogError):
        return {"sqlstate": error.code, "message": str(error)}
    message = _PREFIX.sub("", str(error))
    state = next((code for kind, code in SQLSTATES if isinstance(error, kind)), INTERNAL_ERROR)
    if state == "42P01" and "unction" in message.split("\n")[0]:
        state = UNDEFINED_FUNCTION
    if state == "53200":  # DuckDB goes on with settings that no client may change
        message = f"the statement needs more memory than your user has: {message.splitlines()[0]}"
    if state == "57014":
        message = "canceling statement due to user request"
    return {"sqlstate": state, "message": message}
