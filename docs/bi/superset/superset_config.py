"""Superset on a published file, read-only, and on a server.

The functions of a file run in onnxruntime if udfs can be imported.
"""

import os
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import event
from sqlalchemy.pool import Pool

HOME = Path(os.environ["SUPERSET_HOME"])
SECRET_KEY = os.environ["SUPERSET_SECRET_KEY"]
SQLALCHEMY_DATABASE_URI = f"sqlite:///{HOME / 'superset.db'}"
TALISMAN_ENABLED = False
# Superset would check SQL for PostgreSQL with its program ecpg, which knows no DuckDB syntax.
SQL_VALIDATORS_BY_ENGINE: dict[str, str] = {}

if find_spec("udfs"):

    @event.listens_for(Pool, "connect")
    def register(connection, _):
        """Run the functions in onnxruntime; without this they run as pure SQL."""
        import duckdb_engine

        import udfs

        if isinstance(connection, duckdb_engine.ConnectionWrapper):
            udfs.register(connection._ConnectionWrapper__c)
