"""Messages of PostgreSQL's protocol, with limits on what a client may send."""

import asyncio
import ssl
import struct

from hitparade.serve.pool import Failed

STARTUP_BYTES = 10_000  # as PostgreSQL
MESSAGE_BYTES = 16 * 2**20
_LENGTH = struct.Struct("!i")
_STARTUP = struct.Struct("!ii")


class Closed(Exception):
    """The client has closed the connection."""


class Malformed(Failed):
    """The client sent what is no message: the connection cannot go on."""

    def __init__(self, message: str):
        """Say what is wrong."""
        super().__init__("08P01", message)


class Stream:
    """One client's socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        """Take both ends."""
        self._reader, self._writer = reader, writer

    @property
    def client(self) -> str:
        """The address of the client."""
        peer = self._writer.get_extra_info("peername")
        return peer[0] if isinstance(peer, tuple) and peer else "local"

    @property
    def is_encrypted(self) -> bool:
        """Whether TLS protects the connection."""
        return self._writer.get_extra_info("sslcontext") is not None

    async def _exactly(self, count: int) -> bytes:
        try:
            return await self._reader.readexactly(count)
        except (asyncio.IncompleteReadError, OSError) as error:
            raise Closed from error

    async def startup(self) -> tuple[int, bytes]:
        """Return the code and the payload of a message before the connection is set up.

        Raises:
            Closed: the client has gone.
            Malformed: the length is wrong.
        """
        length, code = _STARTUP.unpack(await self._exactly(8))
        if not 8 <= length <= STARTUP_BYTES:
            raise Malformed("invalid length of startup packet")
        return code, await self._exactly(length - 8)

    async def message(self, most: int = MESSAGE_BYTES) -> tuple[bytes, bytes]:
        """Return the kind and the payload of the next message.

        Raises:
            Closed: the client has gone.
            Malformed: the length is wrong, or above `most` bytes.
        """
        kind = await self._exactly(1)
        (length,) = _LENGTH.unpack(await self._exactly(4))
        if length < 4:
            raise Malformed(f"invalid length {length} of a message")
        if length > most:
            raise Malformed(f"a message has {length:,} bytes; {most:,} are allowed")
        return kind, await self._exactly(length - 4)

    async def encrypt(self, context: ssl.SSLContext) -> None:
        """Begin TLS.

        Raises:
            Closed: the client does not.
            Malformed: it has sent something before: a man in the middle could have put it there.
        """
        if self._reader._buffer:  # type: ignore[attr-defined] # there is no public way to ask
            raise Malformed("received unencrypted data after SSL request")
        try:
            await self._writer.start_tls(context)
        except (OSError, ssl.SSLError) as error:
            raise Closed from error

    def write(self, data: bytes) -> None:
        """Send data when the event loop next can."""
        self._writer.write(data)

    async def drain(self) -> None:
        """Wait until the client has taken most of what was written.

        Raises:
            Closed: the client has gone.
        """
        try:
            await self._writer.drain()
        except OSError as error:
            raise Closed from error

    def close(self) -> None:
        """Close the socket, after what was written is sent."""
        self._writer.close()

    def abort(self) -> None:
        """Close the socket now."""
        self._writer.transport.abort()
