"""What the server and its worker processes send each other: a kind, a length, and bytes."""

import struct

HEADER = struct.Struct("!cI")

# To a worker, JSON:
REQUEST = b"Q"
CANCEL = b"X"
# From a worker:
COLUMNS = b"C"  # JSON
ROWS = b"R"  # the number of rows, whether there are more, and the encoded rows
FAILURE = b"E"  # JSON
DONE = b"D"  # JSON

ROWS_HEADER = struct.Struct("!I?")


def frame(kind: bytes, payload: bytes) -> bytes:
    """Return one message."""
    return HEADER.pack(kind, len(payload)) + payload
