"""The password of a PostgreSQL client: SCRAM-SHA-256, over the library scramp."""

from pg_mimic import messages
from scramp import ScramException, ScramMechanism

from hitparade.serve.postgres.stream import Malformed, Stream
from hitparade.serve.scram import MECHANISM, Verifier

PASSWORD_BYTES = 10_000
# PostgreSQL's clients leave the name empty, because the startup message has it. scramp wants one.
PLACEHOLDER = "n=hitparade"


async def has_password(stream: Stream, verifier: Verifier) -> bool:
    """Return whether a client proves that it knows the password.

    Raises:
        Closed: the client has gone.
        Malformed: it sends something else.
    """

    def keys(_: str) -> tuple[bytes, bytes, bytes, int]:
        return verifier.salt, verifier.stored_key, verifier.server_key, verifier.iterations

    server = ScramMechanism(MECHANISM).make_server(keys)
    stream.write(messages.make_authentication_sasl([MECHANISM]))
    try:
        _begin(server, await _response(stream, first=True))
        stream.write(messages.make_authentication_sasl_continue(server.get_server_first().encode()))
        server.set_client_final(await _response(stream, first=False))
        final = server.get_server_final()
    except (ScramException, ValueError, IndexError, KeyError):
        return False
    stream.write(messages.make_authentication_sasl_final(final.encode()))
    return True


async def _response(stream: Stream, first: bool) -> str:
    await stream.drain()
    kind, payload = await stream.message(PASSWORD_BYTES)
    if kind != messages.PASSWORD:
        raise Malformed("a password message was expected")
    if first:
        mechanism, payload = messages.parse_sasl_initial_response(payload)
        if mechanism != MECHANISM:
            raise Malformed(f"the mechanism {mechanism} was not offered")
    return payload.decode()


def _begin(server: ScramMechanism, message: str) -> None:
    parts = message.split(",")
    if parts[2] != "n=":
        server.set_client_first(message)
        return
    server.set_client_first(",".join([*parts[:2], PLACEHOLDER, *parts[3:]]))
    # Both sides sign what the client really sent.
    server.client_first_bare = ",".join(parts[2:])
