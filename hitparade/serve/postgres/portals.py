"""Prepared statements and portals: a portal is a statement with its parameters and its rows."""

import struct
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Any, NoReturn

from pg_mimic import messages
from pg_mimic.messages import FieldSpec

from hitparade.serve.audit import Audit, Entry
from hitparade.serve.pool import FETCH, Answer, Chunk, Failed, Pool
from hitparade.serve.postgres.commands import Command
from hitparade.serve.requests import Query

_LENGTH = struct.Struct("!i")
MOST_SPOOLED = 2**30
_IN_MEMORY = 2**20  # bytes of rows that wait in memory; more wait in a temporary file


class ChangedPlan(Failed):
    """A prepared statement has other columns in the newest file: clients prepare it again."""

    def __init__(self) -> None:
        """Say it in PostgreSQL's words, which clients know."""
        super().__init__("0A000", "cached plan must not change result type")


@dataclass
class Prepared:
    """What a client prepared.

    Attributes:
        sql: the statement.
        oids: the types of its parameters that the client declared; 0 where it declared none.
        command: what it asks of the session; None for a query.
        columns: what the client was told of the columns; None if it did not ask.
    """

    sql: str
    oids: list[int] = field(default_factory=list)
    command: Command | None = None
    columns: list[dict[str, Any]] | None = None


@dataclass
class CommandPortal:
    """A statement of the session: it is carried out when it is executed.

    Attributes:
        command: the statement.
        oids: types of its parameters; only DECLARE has some.
        values: of its parameters.
        done: whether it was carried out.
    """

    command: Command
    oids: list[int]
    values: list[Any]
    done: bool = False


class QueryPortal:
    """A query, and the rows that the client has not taken yet.

    It starts when the client asks for its columns or rows. While it has rows it holds a worker;
    `spool` moves them to a file, so that a client that is slow, or runs something else meanwhile,
    holds none.
    """

    def __init__(
        self,
        query: Query,
        seconds: float,
        entry: Entry,
        pool: Pool,
        audit: Audit,
        known: list[dict[str, Any]] | None = None,
    ):
        """Take a query that has not started.

        Args:
            query: the statement.
            seconds: that it may take.
            entry: its line of the audit.
            pool: where it runs.
            audit: what gets the line when it has ended.
            known: the columns of which the client was told when it prepared the statement.
        """
        self._known = known
        self._error: Failed | None = None  # what ended the query after the rows that are here
        self.query, self._seconds = query, seconds
        self._entry, self._pool, self._audit = entry, pool, audit
        self._answer: Answer | None = None
        self._waiting = b""  # encoded rows that came, and were not taken
        self._more = True  # whether the worker, or the file, has further rows
        self._file: IO[bytes] | None = None
        self._written = False
        self.taken = 0

    @property
    def is_started(self) -> bool:
        """Whether the query runs, or has run."""
        return self._answer is not None

    @property
    def holds_worker(self) -> bool:
        """Whether a worker waits for this portal."""
        return self._answer is not None and self._more and self._file is None

    async def start(self) -> None:
        """Run the query, if it has not started.

        Raises:
            Failed: it cannot run.
        """
        if self._answer is None:
            try:
                self._answer = await self._pool.run(self.query, self._seconds)
            except BaseException as error:
                self._failed(error)
                raise
            assert self._answer.first is not None
            self._keep(self._answer.first)
            await self._compare()

    async def _compare(self) -> None:
        """Refuse other columns than the client was told of: a file was published meanwhile."""
        if self._known is None or _types(self._known) == _types(self.columns):
            return
        await self.close()
        raise ChangedPlan

    @property
    def columns(self) -> list[dict[str, Any]]:
        """The columns of a started query."""
        assert self._answer is not None
        return self._answer.columns

    async def rows(self, most: int) -> AsyncIterator[bytes]:
        """Yield encoded rows: at most this many, or all if it is 0.

        Raises:
            Failed: the query failed.
        """
        left = most or None
        while left is None or left > 0:
            if not self._waiting:
                if not self._more:
                    if self._error is not None:
                        raise self._error
                    return
                await self._read()
                continue
            body, count = self._take(left)
            self.taken += count
            left = None if left is None else left - count
            yield body

    @property
    def has_rows(self) -> bool:
        """Whether there are rows that the client has not taken."""
        return bool(self._waiting) or self._more or self._error is not None

    def _take(self, most: int | None) -> tuple[bytes, int]:
        """Return waiting rows and their number. Each row is one message with its own length."""
        end = count = 0
        while end < len(self._waiting) and (most is None or count < most):
            end += 1 + _LENGTH.unpack_from(self._waiting, end + 1)[0]
            count += 1
        body, self._waiting = self._waiting[:end], self._waiting[end:]
        return body, count

    def _keep(self, chunk: Chunk) -> None:
        self._waiting += chunk.body
        self._more = chunk.more
        self._entry.rows += chunk.rows
        if not chunk.more:
            self._ended()

    async def _read(self) -> None:
        if self._file is not None:
            self._waiting = self._file.read(_IN_MEMORY)
            self._complete_last_row()
            self._more = bool(self._waiting)
            return
        if self._error is not None:
            raise self._error
        assert self._answer is not None
        try:
            self._keep(await self._answer.fetch(FETCH))
        except BaseException as error:
            self._more = False
            self._error = error if isinstance(error, Failed) else None
            self._failed(error)
            raise

    def _complete_last_row(self) -> None:
        """Read the rest of a row of which the file gave a part."""
        assert self._file is not None
        end = 0
        while end < len(self._waiting):
            if len(self._waiting) < end + 5:
                self._waiting += self._file.read(end + 5 - len(self._waiting))
            end += 1 + _LENGTH.unpack_from(self._waiting, end + 1)[0]
        self._waiting += self._file.read(end - len(self._waiting))

    async def spool(self) -> None:
        """Move the rows that are left to a file, so that the worker can do something else.

        If the query fails meanwhile, the rows before stay, and `rows` raises the error after them.
        """
        file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 closed by `close`
        size = 0
        with suppress(Failed):
            while True:
                size += await self._written_to(file)
                self._waiting = b""
                if not self._more:
                    break
                if size > MOST_SPOOLED:
                    await self._cut(
                        Failed("53400", "more than 1 GiB of rows waited: fetch them sooner")
                    )
                await self._read()
        file.seek(0)
        self._file, self._more = file, True

    async def _written_to(self, file: IO[bytes]) -> int:
        try:
            return file.write(self._waiting)
        except OSError as error:
            await self._cut(Failed("53100", f"rows that wait cannot be kept: {error.strerror}"))

    async def _cut(self, error: Failed) -> NoReturn:
        """End the query with an error that the client gets after the rows that are here."""
        assert self._answer is not None
        await self._answer.close()
        self._more, self._error = False, error
        self._failed(error)
        raise error

    async def close(self) -> None:
        """Give up the rows that are left."""
        if self.holds_worker and self._answer is not None:
            await self._answer.close()
        self._waiting, self._more = b"", False
        if self._file is not None:
            self._file.close()
        if self._answer is not None:
            self._ended()

    def _failed(self, error: BaseException) -> None:
        self._entry.failed(error)
        self._ended()

    def _ended(self) -> None:
        if not self._written:
            self._written = True
            self._audit.write(self._entry)


def _types(columns: list[dict[str, Any]]) -> list[int]:
    return [column["oid"] for column in columns]


def row_description(columns: list[dict[str, Any]]) -> bytes:
    """Return the message that describes columns, as a worker describes them."""
    return messages.make_row_description(
        [
            FieldSpec(
                name=column["name"],
                oid=column["oid"],
                type_size=column["size"],
                type_modifier=column["typmod"],
                format_code=column["format"],
            )
            for column in columns
        ]
    )
