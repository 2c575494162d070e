"""Where the page's queries run: in a DuckDB file, or in the Snowflake that runs the page."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from hitparade.app.queries import STRUCTURED

if TYPE_CHECKING:
    from snowflake import snowpark


class SessionError(RuntimeError):
    """A query failed; the page shows the message."""


class Session(Protocol):
    """What a panel needs: the rows of a query, and the warehouse's cast of a list of strings."""

    text_list: str

    def rows(self, sql: str) -> list[dict]:
        """Return the rows of a query by column name, or raise a SessionError."""


class FileSession:
    """A read-only DuckDB file; each query sees the newest published version."""

    text_list = "cast({} as varchar[])"

    def __init__(self, database: Path):
        """Take the path of the file."""
        from udfs import Reader

        self._database = database
        self._reader = Reader(database)

    def rows(self, sql: str) -> list[dict]:
        """Return the rows of a query by column name.

        Raises:
            SessionError: the database does not exist or is in use, or the query fails.
        """
        import duckdb

        try:
            with self._reader.cursor() as cursor:
                cursor.execute(sql)
                names = [column[0] for column in cursor.description]
                return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        except FileNotFoundError as error:
            raise SessionError(
                f"There is no {self._database.name} yet: run `hitparade build`."
            ) from error
        except duckdb.CatalogException as error:
            raise SessionError(
                f"{self._database.name} is not a finished warehouse of this version: run "
                f"`hitparade build`.\n\n{error}"
            ) from error
        except duckdb.Error as error:
            raise SessionError(str(error)) from error


class SnowflakeSession:
    """The Snowpark session of a page that runs in Snowflake."""

    text_list = "{}"

    def __init__(self, session: "snowpark.Session"):
        """Take the session."""
        self._session = session

    def rows(self, sql: str) -> list[dict]:
        """Return the rows of a query by column name, with lists and objects parsed from JSON.

        Raises:
            SessionError: the query fails.
        """
        from snowflake.snowpark.exceptions import SnowparkClientException

        try:
            found = self._session.sql(sql).collect()
        except SnowparkClientException as error:
            raise SessionError(str(error)) from error
        return [
            {name.lower(): _value(name.lower(), value) for name, value in row.as_dict().items()}
            for row in found
        ]


def _value(name: str, value: Any) -> Any:
    """Parse a list or an object, which Snowflake returns as JSON text."""
    is_json = name in STRUCTURED and isinstance(value, str)
    return json.loads(value) if is_json else value


def snowflake_session() -> SnowflakeSession | None:
    """Return the Snowflake session that the page runs in; None outside of Snowflake."""
    try:
        from snowflake.snowpark.context import get_active_session
        from snowflake.snowpark.exceptions import SnowparkSessionException
    except ImportError:
        return None
    try:
        return SnowflakeSession(get_active_session())
    except SnowparkSessionException:
        return None
