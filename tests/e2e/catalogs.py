"""The catalogs of a file, as a worker of the server has them."""

import json
from pathlib import Path

import duckdb

from hitparade.serve.postgres import catalog
from hitparade.serve.worker.labels import labels

SESSION = catalog.Session(user="alice", database="hitparade", pid=42)
SCHEMAS = ["main", "ml", "features", "staging"]


def opened(database: Path, schemas: list[str] = SCHEMAS) -> duckdb.DuckDBPyConnection:
    """A locked connection in which the file is in use and its catalogs are made."""
    connection = duckdb.connect()
    connection.execute(f"attach '{database}' as hitparade (read_only)")
    connection.execute("use hitparade")
    catalog.create(connection, "hitparade", schemas)
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
    return connection


class Client:
    """Asks the catalogs as a client of PostgreSQL does."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, session=SESSION):
        self.connection = connection
        self.session = session

    def rewritten(self, sql: str) -> catalog.Rewritten:
        found = catalog.rewrite(sql, self.session)
        assert found is not None, f"not recognized: {sql}"
        return found

    def names(self, sql: str) -> list[str]:
        found = self.connection.execute(self.rewritten(sql).sql)
        return [column[0] for column in found.description]

    def labels(self, sql: str, names: list[str]) -> list[str]:
        """The names of columns as the server sends them."""
        parse = "select json_serialize_sql($1)"
        ((parsed,),) = self.connection.execute(parse, [sql]).fetchall()
        return labels(json.loads(parsed)["statements"][0], names)

    def rows(self, sql: str, *parameters) -> list[tuple]:
        return self.connection.execute(self.rewritten(sql).sql, list(parameters)).fetchall()

    def value(self, sql: str, *parameters):
        ((value,),) = self.rows(sql, *parameters)
        return value
