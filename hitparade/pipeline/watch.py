"""`hitparade watch`: send each row of rpt_incidents once."""

import json
import logging
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from hitparade.warehouse import WarehouseError, opened, rows_of

INCIDENTS = "select check_name, subject, message from rpt_incidents order by all"
UNREADABLE = "database"  # the check of an incident that the database cannot be read
TITLE = "hitparade: {} new in {}"


class WatchError(RuntimeError):
    """A message could not be sent; this error's text says why and what to do."""


def incidents(database: Path) -> list[dict]:
    """Return the present rows of rpt_incidents; an unreadable database is an incident itself."""
    try:
        with opened(database) as connection:
            return rows_of(connection.execute(INCIDENTS))
    except WarehouseError as error:
        return [{"check_name": UNREADABLE, "subject": database.name, "message": str(error)}]


def tell(database: Path, found: Sequence[dict], urls: Sequence[str]) -> int:
    """Send the incidents that were not sent before, remember them, and return how many.

    A resolved incident is forgotten, and sent again if it returns. While the database
    cannot be read, no incident counts as over. Sent incidents are remembered in a file beside the
    database, and only if the message reached every URL.

    Args:
        database: the file that the incidents are about.
        found: the result of `incidents`.
        urls: Apprise URLs to send to, such as `json://host/path` for a webhook. Without a URL
            nothing is sent, but resolved incidents are forgotten.

    Raises:
        WatchError: a URL is not valid, a message could not be sent, or the memory file is damaged.
    """
    memory = database.with_suffix(".watch.json")
    told = _read(memory)
    new = [incident for incident in found if _key(incident) not in told] if urls else []
    if new:
        _write(memory, told)  # before sending: if it cannot be written, nothing may be sent
        _send(TITLE.format(len(new), database.name), [one["message"] for one in new], urls)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    present = {key: told[key] for one in found if (key := _key(one)) in told}
    present |= {_key(one): now for one in new}
    is_blind = any(one["check_name"] == UNREADABLE for one in found)
    if told or new:
        _write(memory, told | present if is_blind else present)
    return len(new)


def _key(incident: dict) -> str:
    return f"{incident['check_name']} {incident['subject']}"


def _send(title: str, messages: list[str], urls: Sequence[str]) -> None:
    try:
        import apprise
    except ImportError as error:
        raise WatchError(
            "sending messages needs apprise: pip install -c constraints.txt -e '.[alerts]'"
        ) from error
    sender = apprise.Apprise()
    for url in urls:
        if not sender.add(url):
            raise WatchError(f"{url} is not a URL that Apprise can send to: see its services")
    with apprise.LogCapture(level=logging.WARNING, fmt="%(message)s") as said:
        if not sender.notify(title=title, body="\n".join(messages), notify_type="failure"):
            raise WatchError(f"a message could not be sent: {said.getvalue().strip()}")


def _read(memory: Path) -> dict[str, str]:
    if not memory.exists():
        return {}
    try:
        return json.loads(memory.read_text(encoding="utf-8"))
    except ValueError as error:
        raise WatchError(
            f"{memory} is damaged: delete it, and the present incidents are sent again"
        ) from error


def _write(memory: Path, told: dict[str, str]) -> None:
    """Write the file atomically."""
    draft = memory.with_suffix(".new")
    draft.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    os.replace(draft, memory)
