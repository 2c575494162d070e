"""Who may ask, and how much: users from a file, from the environment, or anyone on this machine."""

import hashlib
import hmac
import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

from hitparade.serve.pool import Failed
from hitparade.serve.requests import Limits
from hitparade.serve.scram import Verifier

NAME_VARIABLE = "HITPARADE_SERVE_USER"
PASSWORD_VARIABLE = "HITPARADE_SERVE_PASSWORD"
TOKEN_VARIABLE = "HITPARADE_SERVE_TOKEN"
DEFAULT_NAME = "hitparade"
SCHEMAS = ["main", "ml"]


class UsersError(Exception):
    """The users cannot be read; the message says why and what to do."""


@dataclass(frozen=True)
class User:
    """One user.

    Attributes:
        name: of the user.
        verifier: of the password; None for a user who has none.
        tokens: SHA-256 of each HTTP token, in hexadecimal digits.
        schemas: which may be read.
        sql: whether `POST /sql` may be used.
        limits: how much one statement may ask for.
    """

    name: str
    verifier: Verifier | None = None
    tokens: frozenset[str] = frozenset()
    schemas: tuple[str, ...] = tuple(SCHEMAS)
    sql: bool = True
    limits: Limits = field(default_factory=Limits)


class Users:
    """The known users, and how many connections each has."""

    def __init__(self, users: list[User], anyone: User | None = None):
        """Take the users.

        Args:
            users: with a password or a token.
            anyone: who a client without a password is; None if every client needs one.
        """
        self._users = {user.name: user for user in users}
        self.anyone = anyone
        self._open: Counter[str] = Counter()
        self._verified: dict[tuple[str, bytes], User] = {}
        self._secret = os.urandom(32)

    @property
    def schemas(self) -> list[str]:
        """Every schema that some user may read."""
        everyone = [*self._users.values(), *filter(None, [self.anyone])]
        return sorted({schema for user in everyone for schema in user.schemas})

    @property
    def memories(self) -> list[str]:
        """Every memory limit that some user has."""
        everyone = [*self._users.values(), *filter(None, [self.anyone])]
        return sorted({user.limits.memory for user in everyone})

    def named(self, name: str) -> User | None:
        """Return the user of a PostgreSQL startup message."""
        return self.anyone or self._users.get(name)

    def nobody(self, name: str) -> Verifier:
        """Return what checks the password of a user who does not exist, or has none.

        It is the same each time, as that of a user, so that nobody learns which users there are.
        """
        return Verifier.nobody(hmac.digest(self._secret, name.encode(), "sha256"))

    def with_token(self, token: str) -> User | None:
        """Return the user of an HTTP token."""
        given = hashlib.sha256(token.encode()).hexdigest()
        found = None
        for user in self._users.values():
            for known in user.tokens:
                if hmac.compare_digest(known, given):
                    found = user
        return found

    def with_password(self, name: str, password: str) -> User | None:
        """Return the user if the password is right.

        A password that was right is remembered as a keyed hash, because deriving the keys takes
        milliseconds on purpose.
        """
        proof = (name, hmac.digest(self._secret, password.encode(), "sha256"))
        if proof in self._verified:
            return self._verified[proof]
        user = self._users.get(name)
        verifier = user.verifier if user and user.verifier else self.nobody(name)
        if not verifier.accepts(password) or user is None:
            return None
        self._verified[proof] = user
        return user

    @contextmanager
    def connection(self, user: User) -> Iterator[None]:
        """Count an open connection.

        Raises:
            Failed: the user has too many.
        """
        if self._open[user.name] >= user.limits.connections:
            raise Failed(
                "53300",
                f"{user.name} has {user.limits.connections} connections, its limit: close one",
            )
        self._open[user.name] += 1
        try:
            yield
        finally:
            self._open[user.name] -= 1


def from_file(path: Path) -> Users:
    """Read the users of a YAML file.

    Raises:
        UsersError: it cannot be read, or says something unknown.
    """
    try:
        given = yaml.load(path.read_text(encoding="utf-8"), _OnceLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsersError(f"the users in {path} cannot be read: {error}") from error
    if not isinstance(given, dict) or not isinstance(given.get("users"), dict):
        raise UsersError(f"{path} has no users: it begins with `users:`, and lists them by name")
    return Users([_user(name, said, path) for name, said in given["users"].items()])


def _user(name: Any, said: Any, path: Path) -> User:
    where = f"user {name} in {path}"
    if not isinstance(name, str) or not isinstance(said, dict | None):
        raise UsersError(f"{where}: a user has a name (a text) and settings")
    said = dict(said or {})
    limits = {each.name: said.pop(each.name) for each in fields(Limits) if each.name in said}
    try:
        user = User(
            name=name,
            verifier=_verifier(said.pop("password", None)),
            tokens=frozenset(map(_token, _texts("tokens", said.pop("tokens", [])))),
            schemas=tuple(map(str.lower, _texts("schemas", said.pop("schemas", SCHEMAS)))),
            sql=_flag("sql", said.pop("sql", True)),
            limits=Limits(**limits),
        )
    except (TypeError, ValueError) as error:
        raise UsersError(f"{where}: {error}") from error
    if said:
        raise UsersError(f"{where} has the unknown settings {', '.join(sorted(map(str, said)))}")
    if user.verifier is None and not user.tokens:
        raise UsersError(f"{where} has neither a password nor tokens: see `hitparade password`")
    return user


def _texts(name: str, given: Any) -> list[str]:
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise ValueError(f"{name} is a list of texts")
    return given


def _token(given: str) -> str:
    if not re.fullmatch(r"[0-9a-fA-F]{64}", given):
        raise ValueError("a token is stored as its SHA-256, 64 hexadecimal digits")
    return given.lower()


def _flag(name: str, given: Any) -> bool:
    if not isinstance(given, bool):
        raise ValueError(f"{name} is true or false, not {given!r}")
    return given


class _OnceLoader(yaml.SafeLoader):
    """Reads YAML, and refuses a name that stands twice: the first would be lost."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return a mapping.

        Raises:
            yaml.YAMLError: a name stands twice.
        """
        names = [self.construct_object(key, deep=True) for key, _ in node.value]
        for name in names:
            if names.count(name) > 1:
                raise yaml.YAMLError(f"{name} stands twice")
        return super().construct_mapping(node, deep)


def _verifier(text: Any) -> Verifier | None:
    return None if text is None else Verifier.parse(str(text))


def from_environment() -> Users | None:
    """Return the one user that the environment names, or None if it names none.

    Raises:
        UsersError: it names a user without a password and without a token.
    """
    password, token = os.environ.get(PASSWORD_VARIABLE), os.environ.get(TOKEN_VARIABLE)
    if not password and not token:
        if NAME_VARIABLE in os.environ:
            raise UsersError(
                f"{NAME_VARIABLE} names a user without a password: set {PASSWORD_VARIABLE} or "
                f"{TOKEN_VARIABLE}"
            )
        return None
    user = User(
        name=os.environ.get(NAME_VARIABLE, DEFAULT_NAME),
        verifier=Verifier.of(password) if password else None,
        tokens=frozenset({hashlib.sha256(token.encode()).hexdigest()} if token else ()),
    )
    return Users([user])


def nobody_asks() -> Users:
    """Return the users of a server that listens on this machine only and asks for no password."""
    return Users([], anyone=User(name=DEFAULT_NAME))
