"""DuckDB clients without anything of this project, as fetched by `make clients`."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
FETCHED = HERE.parents[2] / ".clients"
VERSION = "v1.5.6"
# The program of each client and its first arguments; a database and a query follow.
COMMANDS = {
    "python": [sys.executable, "-I", "-S", HERE / "query.py", FETCHED / "python"],
    "cli": [FETCHED / "cli" / "duckdb_cli" / "duckdb", "-no-init", "-readonly", "-json"],
    "node": ["node", HERE / "query.mjs", FETCHED / "node"],
}


class ClientError(RuntimeError):
    """The message that a client printed when a query failed."""


def is_fetched(client: str) -> bool:
    """True if the client's folder and program exist."""
    return (FETCHED / client).is_dir() and shutil.which(COMMANDS[client][0]) is not None


def query(client: str, database: Path, sql: str) -> list[dict]:
    """Run SQL in a separate process on a read-only file; return the rows of the last statement."""
    # The command line would read a query that begins with a comment as an option.
    done = subprocess.run(
        [*COMMANDS[client], database, f"\n{sql}"], capture_output=True, text=True, timeout=120
    )
    if done.returncode:
        raise ClientError(done.stderr)
    return json.loads(done.stdout)
