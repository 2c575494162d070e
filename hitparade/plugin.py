"""The dbt-duckdb plugin: serves raw files as dbt sources and SQL functions as Python runs them."""

import logging
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

# Schemas of the project and databases that DuckDB always has: `ml.champions` would be ambiguous.
RESERVED = {"main", "ml", "raw", "staging", "features", "memory", "system", "temp"}


class _ToDbt(logging.Handler):
    """Shows the progress of a training among dbt's own lines."""

    def emit(self, record: logging.LogRecord) -> None:
        say = AdapterLogger("hitparade")
        (say.warning if record.levelno > logging.INFO else say.info)(record.getMessage())


def _show_progress() -> None:
    progress = logging.getLogger("models_py")
    progress.setLevel(logging.INFO)
    progress.handlers = [_ToDbt()]
    progress.propagate = False


class Plugin(BasePlugin):
    """Named in profiles.yml; dbt-duckdb calls each hook below."""

    def initialize(self, plugin_config: dict) -> None:
        """Find the files of the project, and refuse what dbt-duckdb would put unquoted into SQL."""
        assert self.creds  # dbt-duckdb gives them to every plugin
        project.use(Path(get_flags().PROJECT_DIR))
        if self.creds.path == project.DATABASE:  # which DuckDB would look for where dbt was started
            self.creds.path = str(project.database())
        name = Path(self.creds.path).stem
        if name in RESERVED:
            raise DbtRuntimeError(
                f"the database file is named {name!r}, as a schema or a database of DuckDB is: use "
                "another name, such as HITPARADE_DATABASE=my_songs.duckdb"
            )
        try:
            duckdb.extract_statements(f"create table {name}.raw.tracks (track_id text)")
        except duckdb.ParserException as error:
            raise DbtRuntimeError(
                f"the database file is named {name!r}, which SQL cannot read as a name: use "
                "letters, digits and underscores, such as HITPARADE_DATABASE=my_songs.duckdb"
            ) from error
        _show_progress()

    def update_connection_config(self, creds: DuckDBCredentials, config: dict) -> None:
        """Say what is wrong with the database file, before DuckDB does so in a traceback."""
        try:
            warehouse.connect(creds.path, config=config).close()
        except warehouse.WarehouseError as error:
            raise DbtRuntimeError(str(error)) from error

    def load(self, source_config: SourceConfig) -> pa.Table:
        """Return the records of a raw file as text, or which files there are."""
        try:
            if source_config.identifier == "files":
                return raw.files()
            if source_config.identifier == "slices":
                return slices.listed()
            if source_config.identifier == "playlists":
                return slices.PLAYLISTS.empty_table()  # a table of Snowflake: here SQL reads slices
            return raw.read(source_config.identifier).records
        except raw.RawFileError as error:
            raise DbtRuntimeError(str(error)) from error

    def configure_cursor(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Let the SQL functions run in onnxruntime on every cursor that dbt opens."""
        udfs.register(cursor)
