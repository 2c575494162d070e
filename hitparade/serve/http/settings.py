"""The settings of the HTTP door."""

import ssl
from dataclasses import dataclass
from pathlib import Path

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class HttpSettings:
    """Where the door listens, and what it bears."""

    port: int
    """0 takes a free port."""
    host: str = "127.0.0.1"
    tls: ssl.SSLContext | None = None
    functions: Path | None = None
    """The folder udfs/functions of a project: it describes the arguments of its own tasks."""
    body: int = 16 * MEBIBYTE
    """Bytes of a request's body."""
    headers: int = 16 * 1024
    """Bytes of a request's line and headers."""
    header_seconds: float = 10.0
    """Time for a request's line and headers."""
    body_seconds: float = 30.0
    """Time for a request's body."""
    idle_seconds: float = 30.0
    """Time that a connection without a request stays open."""
    stalled_seconds: float = 60.0
    """Time that a client may refuse to read its answer."""
    connections: int = 512
    """Connections of all clients together."""
    drain_seconds: float = 30.0
    """Time that running requests have when the server ends."""
