"""Passwords as PostgreSQL stores them: SCRAM-SHA-256 (RFC 5802 and 7677)."""

import base64
import hashlib
import hmac
import os
from dataclasses import dataclass

from scramp import ScramException
from scramp.core import saslprep

ITERATIONS = 4096  # PostgreSQL's default
MECHANISM = "SCRAM-SHA-256"


def _prepared(password: str) -> bytes:
    """Return a password as PostgreSQL's clients derive keys from it (SASLprep, RFC 4013)."""
    try:
        return saslprep(password).encode()
    except ScramException:  # not allowed there: PostgreSQL then takes it as it is
        return password.encode()


@dataclass(frozen=True)
class Verifier:
    """What checks a password without holding it."""

    iterations: int
    salt: bytes
    stored_key: bytes
    server_key: bytes

    @classmethod
    def of(cls, password: str) -> "Verifier":
        """Return the verifier of a password, with a new salt."""
        return cls._derived(password, os.urandom(16), ITERATIONS)

    @classmethod
    def parse(cls, text: str) -> "Verifier":
        """Read what `str()` writes, which is also PostgreSQL's rolpassword.

        Raises:
            ValueError: the text is no verifier.
        """
        try:
            mechanism, salted, keys = text.split("$")
            iterations, salt = salted.split(":")
            stored_key, server_key = keys.split(":")
            if mechanism != MECHANISM:
                raise ValueError(mechanism)
            decoded = [
                base64.b64decode(each, validate=True) for each in (salt, stored_key, server_key)
            ]
            if int(iterations) < 1:
                raise ValueError(iterations)
            return cls(int(iterations), *decoded)
        except ValueError as error:
            raise ValueError(
                "the password is not a verifier that begins with SCRAM-SHA-256$: make one with "
                "`hitparade password`"
            ) from error

    @classmethod
    def nobody(cls, seed: bytes) -> "Verifier":
        """Return a verifier that no password satisfies, and that takes as long as another."""
        return cls(ITERATIONS, seed[:16], os.urandom(32), os.urandom(32))

    @classmethod
    def _derived(cls, password: str, salt: bytes, iterations: int) -> "Verifier":
        salted = hashlib.pbkdf2_hmac("sha256", _prepared(password), salt, iterations)
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        return cls(
            iterations,
            salt,
            hashlib.sha256(client_key).digest(),
            hmac.digest(salted, b"Server Key", "sha256"),
        )

    def accepts(self, password: str) -> bool:
        """Return whether this is the password."""
        given = self._derived(password, self.salt, self.iterations)
        return hmac.compare_digest(given.stored_key, self.stored_key)

    def __str__(self) -> str:
        """Return the text for a file of users."""
        salt, stored, server = (
            base64.b64encode(each).decode()
            for each in (self.salt, self.stored_key, self.server_key)
        )
        return f"{MECHANISM}${self.iterations}:{salt}${stored}:{server}"
