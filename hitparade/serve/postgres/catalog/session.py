"""What a statement about the catalogs depends on, apart from the file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

DEFAULT_SCHEMA = "main"
_SET_CONFIG = re.compile(
    r"\bset_config\s*\(\s*'((?:[^']|'')*)'\s*,\s*'((?:[^']|'')*)'\s*,", re.IGNORECASE
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
    server_version: str = "15.18"

    @property
    def path(self) -> list[str]:
        """The schemas of the search path, whether they exist or not."""
        text = self.settings.get("search_path", DEFAULT_SCHEMA)
        parts = [part.strip().strip('"').strip("'") for part in text.split(",")]
        return [self.user if part == "$user" else part for part in parts if part]

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


def assignments(sql: str) -> dict[str, str]:
    """The settings that a statement assigns with set_config: lower-case names and their values.

    `rewrite` answers such a call with the value; who holds the session must keep it.
    """
    return {
        name.replace("''", "'").lower(): value.replace("''", "'")
        for name, value in _SET_CONFIG.findall(sql)
    }
