"""What a worker is asked."""

import re
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

MEGABYTES = {"M": 1, "G": 1000, "T": 1_000_000}
LEAST_MEMORY = 200  # megabytes: with less, the catalogs leave no room for a statement
Encoding = Literal["postgres", "json", "arrow"]


@dataclass(frozen=True)
class Limits:
    """How much one user may ask for."""

    rows: int = 1_000_000
    """Rows of one result."""
    seconds: float = 60.0
    """Time of one statement, until its last row."""
    memory: str = "2GB"
    """DuckDB's memory for one statement."""
    connections: int = 100
    """Open PostgreSQL connections, and HTTP requests at the same time."""

    def __post_init__(self) -> None:
        """Check the values, which come from a file.

        Raises:
            ValueError: one is no limit; the message names it.
        """
        for name in ("rows", "connections"):
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                raise ValueError(f"{name} is a whole number from 1 on, not {value!r}")
        if type(self.seconds) not in (int, float) or not self.seconds > 0:
            raise ValueError(f"seconds is a number above 0, not {self.seconds!r}")
        size = re.fullmatch(r"(\d+(?:\.\d+)?) ?([MGT])i?B", str(self.memory))
        if size is None or float(size[1]) * MEGABYTES[size[2]] < LEAST_MEMORY:
            raise ValueError(f"memory is a size from 200MB on, such as 2GB, not {self.memory!r}")


@dataclass(frozen=True)
class Query:
    """One statement, with everything that its answer depends on."""

    sql: str
    parameters: list[Any] = field(default_factory=list)
    """Values as JSON has them, or texts of the PostgreSQL types in `oids`."""
    oids: list[int] = field(default_factory=list)
    """PostgreSQL's type of each parameter, 0 where the client named none."""
    encoding: Encoding = "postgres"
    formats: list[int] = field(default_factory=list)
    """PostgreSQL's format codes of the columns: none, one for all, or one for each."""
    structs: str = "json"
    """How structs are sent to PostgreSQL clients: `json` or `composite`."""
    schemas: list[str] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)
    """The session's PostgreSQL settings, such as search_path and timezone."""
    user: str = ""
    session: int = 0
    memory: str = Limits.memory
    rows: int = Limits.rows
    only_describe: bool = False
    """Return parameters and columns without running the statement."""

    def as_dict(self) -> dict[str, Any]:
        """Return the fields, for JSON."""
        return asdict(self)
