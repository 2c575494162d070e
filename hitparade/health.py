"""Check that servers of a container answer: `python -m hitparade.health URL...`.

A URL is `postgresql://HOST:PORT`, or one of HTTP, where the server may speak TLS. Imports nothing
but the standard library, because a container runs it twice a minute.
"""

import http.client
import socket
import ssl
import sys
import urllib.request
from urllib.parse import urlsplit

SECONDS = 4.0
SSL_REQUEST = bytes.fromhex("0000000804d2162f")  # needs no user, and is answered at once
ANSWERS = (b"S", b"N")  # the server has TLS, or has not


def fault(url: str) -> str | None:
    """Return what is wrong with a server, or None if it answers."""
    check = _postgres_fault if urlsplit(url).scheme == "postgresql" else _http_fault
    try:
        return check(url)
    except (OSError, ValueError, http.client.HTTPException) as error:
        return f"{url} does not answer: {error}"


def _postgres_fault(url: str) -> str | None:
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port or 5432), SECONDS) as connection:
        connection.sendall(SSL_REQUEST)
        answer = connection.recv(1)
    return None if answer in ANSWERS else f"{url} is no PostgreSQL server: it answered {answer!r}"


def _http_fault(url: str) -> str | None:
    try:
        status = _status(url)
    except (ConnectionError, http.client.HTTPException):  # what a server with TLS does
        status = _status(url.replace("http:", "https:", 1))
    return None if status == 200 else f"{url} answered {status}"


def _status(url: str) -> int:
    # The certificate names the host that clients use, and not the one of this check.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with urllib.request.urlopen(url, timeout=SECONDS, context=context) as answer:
        return answer.status


def main(urls: list[str]) -> int:
    """Print what is wrong; return 0 if all servers answer, else 1."""
    faults = [found for found in map(fault, urls) if found]
    print("\n".join(faults), end="\n" if faults else "")
    return 1 if faults or not urls else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
