"""The published file, opened so that a statement can read it and nothing else."""

from pathlib import Path

import duckdb

import udfs
from hitparade.serve.postgres import catalog
from hitparade.serve.versions import version
from hitparade.serve.worker.policy import CATALOG, Names, Parsed, check, names_of
from udfs.runtime.reader import State, file_state

# In this order: after `enable_external_access`, no path may be set.
LOCK = (
    "set temp_directory = ''",
    "set timezone = 'UTC'",
    "set python_enable_replacements = false",
    "set allow_community_extensions = false",
    "set autoinstall_known_extensions = false",
    "set autoload_known_extensions = false",
    "set enable_external_access = false",
    "set lock_configuration = true",
)


CHECKED = 128  # statements whose check is kept
LONGEST = 4096  # letters of such a statement


class Database:
    """One file with its functions in onnxruntime and PostgreSQL's catalogs.

    `connection()` opens the file again when `hitparade publish` has replaced it.
    """

    def __init__(self, path: Path, memory: str, threads: int, schemas: list[str]):
        """Take DuckDB's limits, and every schema that some user may read."""
        self.name = path.stem.replace('"', "")
        self._path = path
        self._config: dict[str, str | int] = {"memory_limit": memory, "threads": threads}
        self._schemas = schemas
        self._state: State | None = None
        self._connection: duckdb.DuckDBPyConnection
        self._search_path: tuple[str, ...] = ()
        self._checked: dict[tuple, Parsed] = {}
        self.names: Names
        self.file = ""
        """Which file is open: another one after each publish."""

    def connection(self) -> duckdb.DuckDBPyConnection:
        """Return a connection to the newest file, without a running statement.

        Raises:
            OSError: the file does not exist.
            duckdb.Error: another program writes to the file, or it is not a database.
        """
        while (state := file_state(self._path)) != self._state:
            self._open()
            # Another file may have been published meanwhile: then it is opened, too.
            self._state = state
            self.file = version(state)
        return self._connection

    def _open(self) -> None:
        connection = duckdb.connect(config={**self._config})
        try:
            connection.execute(f'attach {text(str(self._path))} as "{self.name}" (read_only)')
            connection.execute(f'use "{self.name}"')
            udfs.register(connection, preload=True)
            catalog.create(connection, database=self.name, schemas=self._schemas)
            names = names_of(connection, self.name)
            for setting in LOCK:
                connection.execute(setting)
        except BaseException:
            connection.close()
            raise
        if self._state is not None:
            self._connection.close()
        self._connection, self.names, self._search_path = connection, names, ()
        self._checked = {}

    def checked(self, sql: str, schemas: frozenset[str], path: tuple[str, ...]) -> Parsed:
        """Return a statement, parsed, if it may run: see `policy.check`.

        Clients send the same few statements again and again, with other parameters; a check
        takes longer than most of them.
        """
        key = (sql, schemas, path)
        if (known := self._checked.get(key)) is not None:
            return known
        parsed = check(self._connection, sql, self.names, schemas, path)
        if len(sql) <= LONGEST:
            if len(self._checked) >= CHECKED:
                self._checked.clear()
            self._checked[key] = parsed
        return parsed

    def search_path(self, setting: str, schemas: frozenset[str]) -> tuple[str, ...]:
        """Make names without a schema mean what the session's search_path says.

        Args:
            setting: as PostgreSQL writes it, such as `"$user", main`.
            schemas: those that the user may read. Others are left out.
        """
        named = (each.strip().strip('"').lower() for each in setting.split(","))
        path = tuple(each for each in named if each in schemas & self.names.schemas)
        if path != self._search_path:
            quoted = ",".join(f'"{self.name}"."{schema}"' for schema in path)
            # Without a schema, DuckDB would take main.
            self._connection.execute("set search_path = " + text(quoted or f"{CATALOG}.main"))
            self._search_path = path
        return path


def text(value: str) -> str:
    """Return a SQL text literal."""
    return "'" + value.replace("'", "''") + "'"
