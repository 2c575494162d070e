"""DuckDB clients with nothing of this project installed: what `make clients` fetches."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
FETCHED = HERE.parents[2] / ".clients"
VERSION = "v1.5.6"
# The program of each client, then its arguments; a database and a query come last.
COMMANDS = {
    "python": [sys.executable, "-I", "-S", HERE / "query.py", FETCHED / "python"],
    "cli": [FETCHED / "cli" / "duckdb_cli" / "duckdb", "-no-init", "-readonly", "-json"],
    "node": ["node", HERE / "query.mjs", FETCHED / "node"],
}


class ClientError(RuntimeError):
    """What a client printed when a query failed."""


def is_fetched(client: str) -> bool:
    """True where the client's folder and its program are there."""
    return (FETCHED / client).is_dir() and shutil.which(COMMANDS[client][0]) is not None


def query(client: str, database: Path, sql: str) -> list[dict]:
    """Run SQL in a process of its own on a read-only file; return the last statement's rows."""
    # To the command line, a query that begins with a comment would be an option.
    done = subprocess.run(
        [*COMMANDS[client], database, f"\n{sql}"], capture_output=True, text=True, timeout=120
    )
    if done.returncode:
        raise ClientError(done.stderr)
    return json.loads(done.stdout)
