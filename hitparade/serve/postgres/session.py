"""Carry out the statements that concern the session: settings, transactions and cursors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from pg_mimic import messages
from pg_mimic.types import TEXT

from hitparade.serve.pool import Failed
from hitparade.serve.postgres.commands import Command, Fetch, fetch, unquoted
from hitparade.serve.postgres.portals import CommandPortal, Prepared, QueryPortal, row_description

if TYPE_CHECKING:
    from hitparade.serve.postgres.connection import Connection

# What may run in a transaction that has failed.
ENDINGS = {"COMMIT", "ROLLBACK", "ROLLBACK TO"}
IDLE, IN_TRANSACTION, FAILED = b"I", b"T", b"E"
FORWARD = {"", "NEXT", "FORWARD", "ALL", "FORWARD ALL"}
Carry = Callable[["Connection", Command], Awaitable[str]]


def description(connection: Connection, portal: QueryPortal | CommandPortal) -> bytes:
    """Return the message that describes the rows of a command."""
    if isinstance(portal, QueryPortal):  # without a statement
        return messages.make_no_data()
    command = portal.command
    if command.tag == "SHOW":
        text = {"oid": TEXT, "typmod": -1, "size": -1, "format": 0}
        return row_description([{"name": _setting(command), **text}])
    if command.tag == "FETCH" and command.parts["verb"].upper() == "FETCH":
        return row_description(_cursor(connection, command).columns)
    return messages.make_no_data()


async def carry_out(connection: Connection, portal: CommandPortal, simple: bool) -> None:
    """Carry out a command and tell the client.

    Raises:
        Failed: it cannot be carried out.
    """
    if portal.done:
        raise Failed("55000", "portal cannot be run")
    portal.done = True
    command = portal.command
    if command.tag == "DECLARE CURSOR":
        await _declare(connection, portal)
        connection.send(messages.make_command_complete(command.tag))
        return
    if simple and (described := description(connection, portal)) != messages.make_no_data():
        connection.send(described)
    tag = await _CARRIES[command.tag](connection, command)
    connection.send(messages.make_command_complete(tag))


# Transactions. All of them only read, so that they hold nothing.


async def _begin(connection: Connection, command: Command) -> str:
    if connection.status == IDLE:
        connection.before = connection.settings.copy()
        connection.status = IN_TRANSACTION
    return "BEGIN"


async def _commit(connection: Connection, command: Command) -> str:
    failed = connection.status == FAILED
    return await _end(connection, undo=failed)


async def _rollback(connection: Connection, command: Command) -> str:
    return await _end(connection, undo=True)


async def _end(connection: Connection, undo: bool) -> str:
    if connection.status != IDLE:
        if undo:
            connection.settings.restore(connection.before)
            connection.held -= connection.declared
        else:
            for name, value in connection.local.items():
                connection.settings.set(name, value)
        report(connection, connection.settings.reported())
        connection.status = IDLE
        connection.savepoints.clear()
        connection.declared.clear()
        connection.local.clear()
        await connection.close_portals()
    return "ROLLBACK" if undo else "COMMIT"


async def _savepoint(connection: Connection, command: Command) -> str:
    if connection.status == IDLE:
        raise Failed("25P01", f"{command.tag} can only be used in transaction blocks")
    name = _name(command.parts)
    if command.tag == "SAVEPOINT":
        connection.savepoints.append((name, connection.settings.copy()))
        return command.tag
    places = [place for place, (known, _) in enumerate(connection.savepoints) if known == name]
    if not places:
        raise Failed("3B001", f'savepoint "{name}" does not exist')
    if command.tag == "RELEASE":
        del connection.savepoints[places[-1] :]
        return command.tag
    del connection.savepoints[places[-1] + 1 :]
    connection.settings.restore(dict(connection.savepoints[-1][1]))
    report(connection, connection.settings.reported())
    connection.status = IN_TRANSACTION
    return "ROLLBACK"


async def _set_transaction(connection: Connection, command: Command) -> str:
    return "SET"


# Settings.


async def _set(connection: Connection, command: Command) -> str:
    parts = command.parts
    if role := parts.get("role"):
        if unquoted(role).lower() not in ("none", "default", connection.user.name.lower()):
            raise Failed("42501", f"permission denied to set role {role}")
        return "SET"
    name = "timezone" if "zone" in parts else parts.get("name", "client_encoding")
    value = parts.get("zone") or parts.get("encoding") or parts["value"]
    if value.upper() == "DEFAULT":
        changed = connection.settings.reset(name)
    else:
        assign(connection, name, unquoted(value), "local" in parts)
        return "SET"
    report(connection, {changed: connection.settings.show(name)})
    return "SET"


def assign(connection: Connection, name: str, value: str, is_local: bool) -> None:
    """Change a setting, until the transaction ends if it is local.

    Raises:
        Failed: it is unknown, fixed, or cannot have this value.
    """
    name = name.strip('"').lower()
    before = connection.settings.show(name)
    changed = connection.settings.set(name, value)
    if is_local and connection.status == IDLE:  # outside of a transaction it ends at once
        connection.settings.set(name, before)
    elif is_local:
        connection.local.setdefault(name, before)
    else:
        connection.local.pop(name, None)
    report(connection, {changed: connection.settings.show(name)})


async def _reset(connection: Connection, command: Command) -> str:
    what = command.parts.get("all", "").upper()
    if what == "ALL":
        connection.settings.reset_all()
        report(connection, connection.settings.reported())
    elif not what:
        name = _setting(command)
        report(connection, {connection.settings.reset(name): connection.settings.show(name)})
    return "RESET"


def report(connection: Connection, values: dict[str, str]) -> None:
    """Tell the client of settings that it follows."""
    reported = connection.settings.reported()
    for name, value in values.items():
        if name in reported:
            connection.send(messages.make_parameter_status(name, value))


async def _show(connection: Connection, command: Command) -> str:
    value = connection.settings.show(_setting(command))
    connection.send(messages.make_data_row([value.encode()]))
    return "SHOW"


def _setting(command: Command) -> str:
    name = " ".join(command.parts["name"].upper().split())
    known = {"TIME ZONE": "timezone", "TRANSACTION ISOLATION LEVEL": "transaction_isolation"}
    return known.get(name, command.parts["name"].strip('"').lower())


# Cursors and prepared statements.


async def _declare(connection: Connection, declared: CommandPortal) -> None:
    parts = declared.command.parts
    if connection.status == IDLE and "WITH" not in parts.get("hold", "").upper():
        raise Failed("25P01", "DECLARE CURSOR can only be used in transaction blocks")
    name = _name(parts)
    if name in connection.portals:
        raise Failed("42P03", f'cursor "{name}" already exists')
    formats = [1] if "binary" in parts else []
    prepared = Prepared(parts["query"], declared.oids)
    portal = connection.query_portal(prepared, declared.values, formats)
    await connection.start(portal)
    connection.portals[name] = portal
    if parts.get("hold", "").upper().startswith("WITH "):
        connection.held.add(name)
        connection.declared.add(name)


async def _fetch(connection: Connection, command: Command) -> str:
    parts = command.parts
    portal = _cursor(connection, command)
    asked = _asked(command)
    if asked.direction not in FORWARD or asked.count < 0:
        raise Failed("55000", "cursor can only scan forward")
    is_all = "ALL" in asked.direction
    most = 0 if is_all else asked.count
    before = portal.taken
    is_fetch = parts["verb"].upper() == "FETCH"
    if most or is_all:
        if is_fetch:
            await connection.send_rows(portal, most)
        else:
            async for _ in portal.rows(most):
                pass
    return f"{'FETCH' if is_fetch else 'MOVE'} {portal.taken - before}"


def _asked(command: Command) -> Fetch:
    found = fetch(command.parts["what"])
    if found is None:
        raise Failed("42601", "FETCH and MOVE name a cursor, as in `fetch 10 from c`")
    return found


def _cursor(connection: Connection, command: Command) -> QueryPortal:
    named = _asked(command).name if command.tag == "FETCH" else command.parts["name"]
    name = _plain(named)
    found = connection.portals.get(name)
    if not isinstance(found, QueryPortal):
        raise Failed("34000", f'cursor "{name}" does not exist')
    return found


async def _close_cursor(connection: Connection, command: Command) -> str:
    if command.parts["name"].upper() == "ALL":
        connection.held.clear()
        await connection.close_portals()
        return "CLOSE CURSOR ALL"
    await _cursor(connection, command).close()
    name = _name(command.parts)
    connection.held.discard(name)
    del connection.portals[name]
    return "CLOSE CURSOR"


async def _deallocate(connection: Connection, command: Command) -> str:
    if command.parts["name"].upper() == "ALL":
        connection.prepared.clear()
        return "DEALLOCATE ALL"
    name = _name(command.parts)
    if connection.prepared.pop(name, None) is None:
        raise Failed("26000", f'prepared statement "{name}" does not exist')
    return "DEALLOCATE"


async def _discard(connection: Connection, command: Command) -> str:
    what = command.parts["what"].upper()
    if what == "ALL":
        if connection.status != IDLE:
            raise Failed("25001", "DISCARD ALL cannot run inside a transaction block")
        connection.prepared.clear()
        connection.held.clear()
        await connection.close_portals()
        connection.settings.reset_all()
        report(connection, connection.settings.reported())
    return f"DISCARD {what}"


async def _listen(connection: Connection, command: Command) -> str:
    raise Failed("0A000", "there are no notifications here")


async def _unlisten(connection: Connection, command: Command) -> str:
    return "UNLISTEN"


def _name(parts: dict[str, str]) -> str:
    return _plain(parts["name"])


def _plain(name: str) -> str:
    return name[1:-1] if name.startswith('"') else name.lower()


_CARRIES: dict[str, Carry] = {
    "BEGIN": _begin,
    "COMMIT": _commit,
    "ROLLBACK": _rollback,
    "SAVEPOINT": _savepoint,
    "RELEASE": _savepoint,
    "ROLLBACK TO": _savepoint,
    "SET TRANSACTION": _set_transaction,
    "SET": _set,
    "RESET": _reset,
    "SHOW": _show,
    "FETCH": _fetch,
    "CLOSE CURSOR": _close_cursor,
    "DEALLOCATE": _deallocate,
    "DISCARD": _discard,
    "LISTEN": _listen,
    "UNLISTEN": _unlisten,
}
