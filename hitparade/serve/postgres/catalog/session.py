"""What a statement about the catalogs depends on, apart from the file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from hitparade.serve.postgres.catalog.scanning import no_code

DEFAULT_SCHEMA = "main"
SERVER_VERSION = "15.18"  # whose catalogs these are
_SET_CONFIG = re.compile(
    r"\bset_config\s*\(\s*'((?:[^']|'')*)'\s*,\s*'((?:[^']|'')*)'\s*,"
    r"\s*(true|false|'\w*')\s*\)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Session:
    """A client's connection.

    Attributes:
        user: the name of the role that logged in.
        database: the name under which the client opened the database.
        pid: the number of the connection, as in BackendKeyData.
        settings: what the client has set: lower-case names and texts.
        server_version: the version that the server reports.
    """

    user: str
    database: str
    pid: int = 0
    settings: Mapping[str, str] = field(default_factory=dict)
    server_version: str = SERVER_VERSION

    @property
    def path(self) -> list[str]:
        """The schemas of the search path, whether they exist or not."""
        text = self.settings.get("search_path", DEFAULT_SCHEMA)
        parts = [part.strip().strip('"').strip("'") for part in text.split(",")]
        return [self.user if part == "$user" else part for part in parts if part]

    @property
    def version(self) -> str:
        """The answer of the function of this name."""
        return f"PostgreSQL {self.server_version} (hitparade on DuckDB)"

    def reported(self) -> dict[str, str]:
        """The settings whose values are not PostgreSQL's defaults, lower-case names."""
        major, _, minor = self.server_version.partition(".")
        number = int(major) * 10_000 + int(re.match(r"\d*", minor).group() or 0)  # type: ignore[union-attr]
        return {
            "client_encoding": "UTF8",
            "server_encoding": "UTF8",
            "server_version": self.server_version,
            "server_version_num": str(number),
            "timezone": "UTC",
            "search_path": DEFAULT_SCHEMA,
            "session_authorization": self.user,
            "is_superuser": "off",
            "default_transaction_read_only": "on",
            "transaction_read_only": "on",
            "jit": "off",
            **self.settings,
        }


class Assignment(NamedTuple):
    """A setting that a statement assigns with set_config."""

    name: str
    value: str
    is_local: bool
    """Whether it ends with the transaction."""


def assignments(sql: str) -> list[Assignment]:
    """The settings that a statement assigns with set_config, in order.

    `rewrite` answers such a call with the value; who holds the session must keep it.
    """
    if "set_config" not in sql.lower():
        return []
    literals = no_code(sql)
    return [
        Assignment(
            found[1].replace("''", "'").lower(),
            found[2].replace("''", "'"),
            found[3].lower() not in ("false", "'f'", "'false'"),
        )
        for found in _SET_CONFIG.finditer(sql)
        if not any(start <= found.start() < end for start, end in literals)
    ]
