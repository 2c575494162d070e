"""One client: its startup, its messages, and its transaction."""

import asyncio
import contextlib
import logging
import struct
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from pg_mimic import messages
from pg_mimic.results import format_code_for
from pg_mimic.types import decode_binary_param, decode_text_param

from hitparade.serve.audit import Audit, Entry
from hitparade.serve.pool import Failed, Pool
from hitparade.serve.postgres import catalog, session
from hitparade.serve.postgres.commands import Command, command, split, without_comments
from hitparade.serve.postgres.portals import (
    ChangedPlan,
    CommandPortal,
    Prepared,
    QueryPortal,
    row_description,
)
from hitparade.serve.postgres.session import FAILED, IDLE, IN_TRANSACTION
from hitparade.serve.postgres.settings import Settings
from hitparade.serve.postgres.stream import Closed, Malformed, Stream
from hitparade.serve.requests import Query
from hitparade.serve.users import User

log = logging.getLogger(__name__)

AHEAD = 8  # messages that are read before they are answered
MOST_PREPARED = 2**24  # characters of all prepared statements of a connection
MOST_PORTALS = 1000
PATIENCE = 2.0  # seconds that a portal with rows may hold a worker while its client does nothing
Portal = QueryPortal | CommandPortal


@dataclass(frozen=True)
class Services:
    """What every connection uses."""

    pool: Pool
    audit: Audit
    structs: str


class Connection:
    """One client after its startup."""

    def __init__(
        self, stream: Stream, user: User, database: str, pid: int, settings: Settings, use: Services
    ):
        """Take a client that has proved who it is."""
        self.stream, self.user, self.database, self.pid = stream, user, database, pid
        self.settings = settings
        self.status = IDLE
        self.before = settings.copy()  # what ROLLBACK returns the settings to
        self.prepared: dict[str, Prepared] = {}
        self.portals: dict[str, Portal] = {}  # cursors are portals with a name
        self.held: set[str] = set()  # cursors that outlive their transaction
        self.savepoints: list[tuple[str, dict[str, str]]] = []  # with the settings of their time
        self.local: dict[str, str] = {}  # values before SET LOCAL
        self.declared: set[str] = set()  # held cursors of this transaction
        self._use = use
        self._messages: asyncio.Queue[tuple[bytes, bytes] | Exception] = asyncio.Queue(AHEAD)
        self._handling: asyncio.Task[None] | None = None
        self._cancelled = False  # whether the client, and not the server, ends what is handled
        self._skipping = False  # after an error, until Sync
        self._gone = False
        self._stopping = False

    # What others ask of a connection.

    def cancel(self) -> None:
        """End the statement that runs, as the client asks by another connection."""
        if self._handling is not None:
            self._cancelled = True
            self._handling.cancel()

    def stop(self) -> None:
        """Close the connection when it has nothing to do."""
        self._stopping = True
        if self._handling is None:
            with contextlib.suppress(asyncio.QueueFull):
                self._messages.put_nowait(_stops())

    # The loop.

    async def run(self) -> None:
        """Answer messages until the client goes."""
        self.send(messages.make_ready_for_query(self.status))
        await self.stream.drain()
        reading = asyncio.ensure_future(self._read())
        try:
            while await self._answer_next():
                pass
        except Failed as error:  # the connection cannot go on
            self._send_error(error, severity="FATAL")
            await self.stream.drain()
        finally:
            reading.cancel()
            for portal in self.portals.values():
                with contextlib.suppress(Failed):
                    await _close(portal)

    async def _read(self) -> None:
        """Read ahead, so that a client that goes is noticed while its statement runs."""
        try:
            while True:
                await self._messages.put(await self.stream.message())
        except (Closed, Malformed) as error:
            if isinstance(error, Closed):
                self._gone = True
                self.cancel()
            await self._messages.put(error)

    async def _answer_next(self) -> bool:
        message = await self._next()
        if isinstance(message, Closed):
            return False
        if isinstance(message, Exception):
            raise message
        kind, payload = message
        if kind == messages.TERMINATE:
            return False
        if self._skipping and kind not in (messages.SYNC, messages.TERMINATE):
            return True
        await self._handle(kind, payload)
        if self._gone:
            return False
        if kind in (messages.QUERY, messages.SYNC):
            self._skipping = False
            self.send(messages.make_ready_for_query(self.status))
        if self._messages.empty() or kind == messages.FLUSH:
            await self.stream.drain()
        if self._stopping and kind in (messages.QUERY, messages.SYNC):
            raise _stops()
        return True

    async def _next(self) -> tuple[bytes, bytes] | Exception:
        """Return the next message. If it is not there soon, waiting rows free their worker."""
        if any(portal.holds_worker for portal in self._open()):
            try:
                async with asyncio.timeout(PATIENCE):
                    return await self._messages.get()
            except TimeoutError:
                await self._attended(self._spool())
        return await self._messages.get()

    def _open(self) -> list[QueryPortal]:
        return [each for each in self.portals.values() if isinstance(each, QueryPortal)]

    async def _spool(self) -> None:
        for portal in self._open():
            if portal.holds_worker:
                await portal.spool()

    async def _handle(self, kind: bytes, payload: bytes) -> None:
        """Answer one message; an error is sent and ends its statement, not the connection."""
        try:
            if not await self._attended(self._handled(kind, payload)) and not self._gone:
                self._fail(_cancelled(), kind)
        except Failed as error:
            self._fail(error, kind)
        except Exception as error:  # the client must learn of it, and others go on
            log.exception("message %r could not be answered", kind)
            text = f"an unexpected error of the server, {type(error).__name__}: see its log"
            self._fail(Failed("XX000", text), kind)

    async def _attended(self, work: Coroutine[Any, Any, None]) -> bool:
        """Do something that the client can cancel; return False if it did."""
        self._cancelled = False
        self._handling = asyncio.create_task(work)
        try:
            await self._handling
        except asyncio.CancelledError:
            if not self._cancelled:  # the server itself ends
                raise
            return False
        finally:
            self._handling = None
        return True

    def _fail(self, error: Failed, kind: bytes) -> None:
        self._send_error(error)
        if self.status == IN_TRANSACTION:
            self.status = FAILED
        self._skipping = kind != messages.QUERY

    def _send_error(self, error: Failed, severity: str = "ERROR") -> None:
        text = str(error).replace("\0", " ")
        fields = {"S": severity, "V": severity, "C": error.sqlstate, "M": text}
        if isinstance(
            error, ChangedPlan
        ):  # by this name clients know that they have to prepare it again
            fields["R"] = "RevalidateCachedQuery"
        self.send(messages.make_error_response(fields))

    def send(self, message: bytes) -> None:
        """Send a message to the client."""
        self.stream.write(message)

    # Messages.

    async def _handled(self, kind: bytes, payload: bytes) -> None:
        handler = _HANDLERS.get(kind)
        if handler is None:
            raise Malformed(f"message {kind!r} is not known here")
        await handler(self, payload)

    async def _query(self, payload: bytes) -> None:
        statements = split(_read(messages.parse_query, payload))
        if not statements:
            self.send(messages.make_empty_query_response())
        for sql in statements:
            portal = self._portal(Prepared(sql, command=command(sql)), [], [])
            try:
                if isinstance(portal, QueryPortal):
                    await self.start(portal)
                    self.send(row_description(portal.columns))
                await self._execute(portal, 0, simple=True)
            finally:
                await _close(portal)

    async def _parse(self, payload: bytes) -> None:
        parsed = _read(messages.parse_parse, payload)
        statements = split(parsed.sql)
        if len(statements) > 1:
            raise Failed("42601", "cannot insert multiple commands into a prepared statement")
        if parsed.statement_name and parsed.statement_name in self.prepared:
            raise Failed("42P05", f'prepared statement "{parsed.statement_name}" already exists')
        sql = statements[0] if statements else ""
        self._check_room(len(sql))
        self.prepared[parsed.statement_name] = Prepared(sql, parsed.param_oids, command(sql))
        self.send(messages.make_parse_complete())

    def _check_room(self, size: int) -> None:
        held = sum(len(prepared.sql) for prepared in self.prepared.values())
        if held + size > MOST_PREPARED or len(self.portals) >= MOST_PORTALS:
            raise Failed(
                "53400",
                f"{len(self.prepared)} prepared statements and {len(self.portals)} portals are "
                "open, with as much text as a connection may hold: close some",
            )

    async def _bind(self, payload: bytes) -> None:
        parsed = _read(messages.parse_bind, payload)
        prepared = self._prepared(parsed.statement_name)
        values = [
            _decoded(value, _code(parsed.param_format_codes, number), prepared.oids, number)
            for number, value in enumerate(parsed.params)
        ]
        if parsed.portal_name in self.portals:
            if parsed.portal_name:
                raise Failed("42P03", f'portal "{parsed.portal_name}" already exists')
            await _close(self.portals.pop(""))
        self._check_room(0)
        portal = self._portal(prepared, values, parsed.result_format_codes)
        self.portals[parsed.portal_name] = portal
        self.send(messages.make_bind_complete())

    async def _describe(self, payload: bytes) -> None:
        parsed = _read(messages.parse_describe, payload)
        if parsed.kind == messages.TARGET_STATEMENT:
            await self._describe_statement(self._prepared(parsed.name))
            return
        portal = self._named(parsed.name)
        if isinstance(portal, QueryPortal) and portal.query.sql:
            await self.start(portal)
            self.send(row_description(portal.columns))
        else:
            self.send(session.description(self, portal))

    async def _describe_statement(self, prepared: Prepared) -> None:
        if prepared.command is not None:
            self.send(messages.make_parameter_description(prepared.oids))
            self.send(session.description(self, CommandPortal(prepared.command, [], [])))
            return
        if not without_comments(prepared.sql):
            self.send(messages.make_parameter_description([]))
            self.send(messages.make_no_data())
            return
        query = self._as_query(prepared, [], [], only_describe=True)
        answer = await self._use.pool.run(query, self._seconds())
        prepared.columns = answer.columns
        prepared.oids = answer.parameters
        self.send(messages.make_parameter_description(answer.parameters))
        self.send(row_description(answer.columns))

    async def _run(self, payload: bytes) -> None:
        parsed = _read(messages.parse_execute, payload)
        await self._execute(self._named(parsed.portal_name), max(0, parsed.max_rows))

    async def _close_message(self, payload: bytes) -> None:
        parsed = _read(messages.parse_close, payload)
        if parsed.kind == messages.TARGET_STATEMENT:
            self.prepared.pop(parsed.name, None)
        elif parsed.name in self.portals:
            self.held.discard(parsed.name)
            await _close(self.portals.pop(parsed.name))
        self.send(messages.make_close_complete())

    async def _sync(self, payload: bytes) -> None:
        if self.status == IDLE:  # the portals of an implicit transaction end with it
            await self.close_portals()

    async def _flush(self, payload: bytes) -> None:
        await self.stream.drain()

    # Statements.

    def _prepared(self, name: str) -> Prepared:
        if name not in self.prepared:
            raise Failed("26000", f'prepared statement "{name}" does not exist')
        return self.prepared[name]

    def _named(self, name: str) -> Portal:
        if name not in self.portals:
            raise Failed("34000", f'portal "{name}" does not exist')
        return self.portals[name]

    def _portal(self, prepared: Prepared, values: list[Any], formats: list[int]) -> Portal:
        self._check_transaction(prepared.command)
        if prepared.command is not None:
            return CommandPortal(prepared.command, prepared.oids, values)
        return self.query_portal(prepared, values, formats)

    def query_portal(
        self, prepared: Prepared, values: list[Any], formats: list[int]
    ) -> QueryPortal:
        """Return a portal for a query, which has not started."""
        query = self._as_query(prepared, values, formats)
        entry = Entry(self.user.name, "postgres", self.stream.client, prepared.sql, len(values))
        use = self._use
        return QueryPortal(query, self._seconds(), entry, use.pool, use.audit, prepared.columns)

    def _check_transaction(self, command: Command | None) -> None:
        if self.status != FAILED:
            return
        if command is None or command.tag not in session.ENDINGS:
            raise Failed(
                "25P02",
                "current transaction is aborted, commands ignored until end of transaction block",
            )

    def _as_query(
        self,
        prepared: Prepared,
        values: list[Any],
        formats: list[int],
        only_describe: bool = False,
    ) -> Query:
        return Query(
            without_comments(prepared.sql),
            parameters=values,
            oids=prepared.oids,
            formats=formats,
            structs=self._use.structs,
            schemas=list(self.user.schemas),
            settings=self.settings.all(),
            user=self.user.name,
            session=self.pid,
            memory=self.user.limits.memory,
            rows=self.user.limits.rows,
            only_describe=only_describe,
        )

    def _seconds(self) -> float:
        return min(self.user.limits.seconds, self.settings.seconds() or float("inf"))

    async def start(self, portal: QueryPortal) -> None:
        """Run a query, if it has not started."""
        if not portal.is_started:
            await self._spool()  # a client holds one worker at a time
        await portal.start()

    async def _execute(self, portal: Portal, most: int, simple: bool = False) -> None:
        self._check_transaction(portal.command if isinstance(portal, CommandPortal) else None)
        if isinstance(portal, CommandPortal):
            await session.carry_out(self, portal, simple)
            return
        if not portal.query.sql:
            self.send(messages.make_empty_query_response())
            return
        await self.start(portal)
        self._assign(portal.query.sql)
        before = portal.taken
        await self.send_rows(portal, most)
        if most and portal.has_rows:
            self.send(messages.make_portal_suspended())
        else:
            self.send(messages.make_command_complete(f"SELECT {portal.taken - before}"))

    def _assign(self, sql: str) -> None:
        """Keep the settings that a query changes by set_config."""
        for each in catalog.assignments(sql):
            session.assign(self, each.name, each.value, each.is_local)

    async def send_rows(self, portal: QueryPortal, most: int) -> None:
        """Send rows of a started portal as the client takes them."""
        async for body in portal.rows(most):
            self.send(body)
            try:
                async with asyncio.timeout(PATIENCE):
                    await self.stream.drain()
            except TimeoutError:  # a client that reads slowly holds no worker
                if portal.holds_worker:
                    await portal.spool()
                await self.stream.drain()

    async def close_portals(self) -> None:
        """Close the portals that end with a transaction."""
        for name in [name for name in self.portals if name not in self.held]:
            await _close(self.portals.pop(name))


Handler = Callable[[Connection, bytes], Awaitable[None]]
_HANDLERS: dict[bytes, Handler] = {
    messages.QUERY: Connection._query,
    messages.PARSE: Connection._parse,
    messages.BIND: Connection._bind,
    messages.DESCRIBE: Connection._describe,
    messages.EXECUTE: Connection._run,
    messages.CLOSE: Connection._close_message,
    messages.SYNC: Connection._sync,
    messages.FLUSH: Connection._flush,
}


def _read(parse: Callable[[bytes], Any], payload: bytes) -> Any:
    """Return what a message says.

    Raises:
        Malformed: it does not have the form of its kind.
    """
    try:
        return parse(payload)
    except (ValueError, IndexError, struct.error) as error:
        raise Malformed("invalid message format") from error


def _cancelled() -> Failed:
    return Failed("57014", "canceling statement due to user request")


def _stops() -> Failed:
    return Failed("57P01", "terminating connection because the server stops")


async def _close(portal: Portal) -> None:
    if isinstance(portal, QueryPortal):
        await portal.close()


def _code(codes: list[int], number: int) -> int:
    try:
        return format_code_for(codes, number)
    except IndexError as error:
        raise Malformed(f"there is no format code for parameter ${number + 1}") from error


def _decoded(value: bytes | None, code: int, oids: list[int], number: int) -> Any:
    """Return a parameter as text, or as lists of texts; a worker makes values of them."""
    if value is None:
        return None
    oid = oids[number] if number < len(oids) else 0
    if code == 0:
        try:
            return decode_text_param(oid, value.decode()) if oid else value.decode()
        except (ValueError, IndexError) as error:
            raise Failed("22P02", f"parameter ${number + 1} cannot be read: {error}") from error
    if code != 1 or not oid:
        raise Failed("0A000", f"parameter ${number + 1} is binary, but its type was not declared")
    try:
        return decode_binary_param(oid, value)
    except (ValueError, ArithmeticError, IndexError, struct.error) as error:
        raise Failed("22P03", f"parameter ${number + 1} cannot be read: {error}") from error
