"""A session's settings: what SET, SHOW and a client's startup message may say."""

import re
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hitparade.serve.pool import Failed
from hitparade.serve.postgres.catalog.session import SERVER_VERSION

# What a client may set, beside its default. Most change nothing here: clients set them while they
# connect, and would give up if they could not.
DEFAULTS = {
    "application_name": "",
    "bytea_output": "hex",
    "check_function_bodies": "on",
    "client_encoding": "UTF8",
    "client_min_messages": "notice",
    "datestyle": "ISO, MDY",
    "default_transaction_deferrable": "off",
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "on",
    "extra_float_digits": "1",
    "geqo": "on",
    "idle_in_transaction_session_timeout": "0",
    "integer_datetimes": "on",
    "intervalstyle": "postgres",
    "is_superuser": "off",
    "jit": "off",
    "lc_collate": "C",
    "lc_ctype": "C",
    "lc_messages": "C",
    "lc_monetary": "C",
    "lc_numeric": "C",
    "lc_time": "C",
    "lock_timeout": "0",
    "max_identifier_length": "63",
    "max_index_keys": "32",
    "row_security": "on",
    "search_path": "main",
    "server_encoding": "UTF8",
    "server_version": SERVER_VERSION,
    "server_version_num": "150018",
    "session_authorization": "",
    "ssl_renegotiation_limit": "0",
    "standard_conforming_strings": "on",
    "statement_timeout": "0",
    "synchronize_seqscans": "on",
    "timezone": "UTC",
    "transaction_deferrable": "off",
    "transaction_isolation": "read committed",
    "transaction_read_only": "on",
    "work_mem": "4MB",
}
FIXED = {
    *("integer_datetimes", "is_superuser", "lc_collate", "lc_ctype", "max_identifier_length"),
    *("max_index_keys", "server_encoding", "server_version", "server_version_num"),
    "session_authorization",
}
# PostgreSQL spells these so; a client is told of each change of them.
REPORTED = {
    "application_name": "application_name",
    "client_encoding": "client_encoding",
    "datestyle": "DateStyle",
    "default_transaction_read_only": "default_transaction_read_only",
    "integer_datetimes": "integer_datetimes",
    "intervalstyle": "IntervalStyle",
    "is_superuser": "is_superuser",
    "server_encoding": "server_encoding",
    "server_version": "server_version",
    "session_authorization": "session_authorization",
    "standard_conforming_strings": "standard_conforming_strings",
    "timezone": "TimeZone",
}
# Where another value would change what an answer means, only these are taken.
TAKEN = {
    "bytea_output": {"hex"},
    "client_encoding": {"utf8", "utf-8", "unicode", "auto", "sql_ascii"},
    "intervalstyle": {"postgres"},
    "standard_conforming_strings": {"on", "true", "1"},
}
UNITS = {"": 0.001, "ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}


class Settings:
    """The settings of one connection."""

    def __init__(self, user: str, given: dict[str, str]):
        """Take the user and what the startup message sets."""
        self._start = dict(DEFAULTS, session_authorization=user)
        self._values = dict(self._start)
        for name, value in given.items():
            self.set(name, value)
        self._start = dict(self._values)  # RESET returns to these

    def set(self, name: str, value: str) -> str:
        """Change a setting, and return its name as PostgreSQL spells it.

        Raises:
            Failed: it is unknown, fixed, or cannot have this value.
        """
        key = self._known(name)
        if key in FIXED:
            raise Failed("55P02", f'parameter "{key}" cannot be changed')
        self._values[key] = _checked(key, value.strip())
        return REPORTED.get(key, key)

    def reset(self, name: str) -> str:
        """Return a setting to the value that it had when the connection began."""
        key = self._known(name)
        self._values[key] = self._start[key]
        return REPORTED.get(key, key)

    def reset_all(self) -> None:
        """Return every setting to the value that it had when the connection began."""
        self._values = dict(self._start)

    def show(self, name: str) -> str:
        """Return the value of a setting.

        Raises:
            Failed: it is unknown.
        """
        return self._values[self._known(name)]

    def all(self) -> dict[str, str]:
        """Return every setting, by its name in lower case."""
        return dict(self._values)

    def reported(self) -> dict[str, str]:
        """Return the settings that a client is told of."""
        return {shown: self._values[key] for key, shown in REPORTED.items()}

    def seconds(self) -> float | None:
        """Return statement_timeout in seconds, or None if there is none."""
        return duration(self._values["statement_timeout"]) or None

    def copy(self) -> dict[str, str]:
        """Return the values, for `restore`."""
        return dict(self._values)

    def restore(self, values: dict[str, str]) -> None:
        """Return to the values of `copy`: a transaction that is rolled back undoes its SETs."""
        self._values = values

    def _known(self, name: str) -> str:
        key = name.strip('"').lower()
        # Extensions and applications have settings with a dot, which PostgreSQL takes too.
        if "." in key:
            self._values.setdefault(key, "")
            self._start.setdefault(key, "")
        if key not in self._values:
            raise Failed("42704", f'unrecognized configuration parameter "{key}"')
        return key


def _checked(key: str, value: str) -> str:
    refused = Failed("22023", f'invalid value for parameter "{key}": "{value}"')
    if key in TAKEN and value.lower().strip("'\"") not in TAKEN[key]:
        raise refused
    if key == "client_encoding":
        return "UTF8"
    if key == "datestyle":
        if not value.lower().startswith("iso") and value.lower() not in ("mdy", "dmy", "ymd"):
            raise refused
        return value if value.lower().startswith("iso") else f"ISO, {value.upper()}"
    if key == "timezone":
        return _zone(value, refused)
    if key == "statement_timeout" and duration(value) is None:
        raise refused
    return value


def _zone(value: str, refused: Failed) -> str:
    known = "UTC" if value.upper() in ("UTC", "GMT", "Z", "ETC/UTC", "LOCAL", "DEFAULT") else value
    try:
        ZoneInfo(known)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise refused from error
    return known


def duration(text: str) -> float | None:
    """Return the seconds of `500`, `500ms`, `5s`, `2min` or `1h`; None for another text."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|min|h|)\s*", text)
    return float(found[1]) * UNITS[found[2]] if found else None
