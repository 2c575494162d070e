"""Serve a copy of a published file to DuckDB clients, by DuckDB's own remote protocol (Quack).

    QUACK_TOKEN=... python serve.py hitparade.duckdb

The functions run in onnxruntime here, in this process. The extensions come from DuckDB's server
(`install quack`), or from the packages duckdb-extension-quack and duckdb-extension-httpfs.
"""

import os
import shutil
import sys
import tempfile
import threading
from importlib.util import find_spec
from pathlib import Path

import duckdb

import udfs
from udfs.runtime.functions import FUNCTIONS

ADDRESS = "quack:localhost:9494"


def load(connection: duckdb.DuckDBPyConnection, extension: str) -> None:
    """Load an extension of an installed package, or else DuckDB's."""
    package = find_spec(f"duckdb_extension_{extension}")
    if package and package.origin:
        files = Path(package.origin).parent.rglob("*.duckdb_extension")
        connection.load_extension(str(next(files)))
    else:
        connection.install_extension(extension)
        connection.load_extension(extension)


def main(file: Path, token: str) -> None:
    """Serve until the process is stopped."""
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copy(file, folder)
        with duckdb.connect(copy) as connection:
            udfs.register(connection, preload=True)
            # TEMP macros belong to one connection, and each client gets a connection of its own.
            for function in FUNCTIONS:
                for shadow in function.shadows:
                    connection.execute(shadow.replace(" temp ", " ", 1))
            for extension in ("httpfs", "quack"):
                load(connection, extension)
            connection.execute(f"call quack_serve('{ADDRESS}', token => ?)", [token])
            # Clients may write to the copy. They may not read the other files of this machine.
            connection.execute("set enable_external_access = false")
            connection.execute("set lock_configuration = true")
            print(f"{ADDRESS}: {file.name}", flush=True)
            threading.Event().wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]), os.environ["QUACK_TOKEN"])
