"""The dbt-duckdb plugin: raw files as dbt sources, and SQL functions in onnxruntime."""

import atexit
import logging
import os
from pathlib import Path

import duckdb
import pyarrow as pa
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.adapters.duckdb.utils import SourceConfig
from dbt.adapters.events.logging import AdapterLogger
from dbt.flags import get_flags
from dbt_common.exceptions import DbtRuntimeError

import udfs
from hitparade import project, warehouse
from hitparade.sources import raw, slices

# Names of the project's schemas and of DuckDB's own databases: a database of the same name would
# make `ml.champions` ambiguous.
RESERVED = {"main", "ml", "raw", "staging", "features", "memory", "system", "temp"}


class _ToDbt(logging.Handler):
    """Shows the progress of training among dbt's own lines."""

    def emit(self, record: logging.LogRecord) -> None:
        say = AdapterLogger("hitparade")
        (say.warning if record.levelno > logging.INFO else say.info)(record.getMessage())


def _show_progress() -> None:
    progress = logging.getLogger("models_py")
    progress.setLevel(logging.INFO)
    handler = _ToDbt()
    progress.handlers = [handler]
    progress.propagate = False
    # PyTorch keeps loggers alive after Python has unloaded its modules. The handler would keep this
    # module and DuckDB's alive too, and DuckDB's binding would report a leak.
    atexit.register(progress.removeHandler, handler)


class Plugin(BasePlugin):
    """The plugin named in profiles.yml; dbt-duckdb calls its methods."""

    def initialize(self, plugin_config: dict) -> None:
        """Find the project's files, and refuse a file name that is not valid unquoted in SQL."""
        assert self.creds  # dbt-duckdb gives them to every plugin
        project.use(Path(get_flags().PROJECT_DIR))
        if self.creds.path == project.DATABASE:  # DuckDB would resolve it where dbt was started
            self.creds.path = str(project.database())
        if draft := os.environ.get("HITPARADE_DRAFT"):  # `hitparade publish` sets it
            self.creds.path = draft
        name = Path(self.creds.path).stem
        if name in RESERVED:
            raise DbtRuntimeError(
                f"the database file is named {name!r}, which is the name of a schema or of a "
                "database of DuckDB: use another name, such as HITPARADE_DATABASE=my_songs.duckdb"
            )
        try:
            duckdb.extract_statements(f"create table {name}.raw.tracks (track_id text)")
        except duckdb.ParserException as error:
            raise DbtRuntimeError(
                f"the database file is named {name!r}, which is not a valid name in SQL: use "
                "letters, digits and underscores, such as HITPARADE_DATABASE=my_songs.duckdb"
            ) from error
        _show_progress()

    def update_connection_config(self, creds: DuckDBCredentials, config: dict) -> None:
        """Check the database file, so that a problem is reported without a traceback."""
        try:
            warehouse.connect(creds.path, config=config).close()
        except warehouse.WarehouseError as error:
            raise DbtRuntimeError(str(error)) from error

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Create the schema of the sources: two threads of dbt that did so would conflict."""
        conn.execute("create schema if not exists raw")

    def load(self, source_config: SourceConfig) -> pa.Table:
        """Return the records of a raw file as text, or the list of files."""
        try:
            if source_config.identifier == "files":
                return raw.files()
            if source_config.identifier == "slices":
                return slices.unpacked()
            if source_config.identifier == "playlists":
                return (
                    slices.PLAYLISTS.empty_table()
                )  # used in Snowflake only: here SQL reads files
            return raw.read(source_config.identifier).records
        except (raw.RawFileError, OSError) as error:
            raise DbtRuntimeError(str(error)) from error

    def configure_cursor(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Run the SQL functions in onnxruntime on every cursor that dbt opens, and read slices."""
        udfs.register(cursor)
        slices.register(cursor)
