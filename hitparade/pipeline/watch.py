"""Telling people what is wrong without an error: the rows of rpt_incidents, each once."""

import json
import logging
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from hitparade.warehouse import WarehouseError, opened, rows_of

INCIDENTS = "select check_name, subject, message from rpt_incidents order by all"
UNREADABLE = "database"  # of which nothing can be said but that
TITLE = "hitparade: {} new in {}"


class WatchError(RuntimeError):
    """People could not be told; the message says why and what to do."""


def incidents(database: Path) -> list[dict]:
    """Return what is wrong now, as rows of rpt_incidents; a database that cannot be read is."""
    try:
        with opened(database) as connection:
            return rows_of(connection.execute(INCIDENTS))
    except WarehouseError as error:
        return [{"check_name": UNREADABLE, "subject": database.name, "message": str(error)}]


def tell(database: Path, found: Sequence[dict], urls: Sequence[str]) -> int:
    """Send the incidents that were not told before, and remember them; return how many.

    What is over is forgotten, and told again should it come back; while the database cannot be
    read nothing is known to be over. Memory is a file beside the
    database. Nothing is remembered that could not be sent to all.

    Args:
        database: the file they are about.
        found: the incidents, of `incidents`.
        urls: where to send to, as apprise reads them: `json://host/path` for a webhook; without
            any, what is over is forgotten all the same.

    Raises:
        WatchError: a URL that is none, a message that could not be sent, or a damaged memory.
    """
    memory = database.with_suffix(".watch.json")
    told = _read(memory)
    new = [incident for incident in found if _key(incident) not in told] if urls else []
    if new:
        _write(memory, told)  # who cannot remember would tell it again each time
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
            "to send messages, install what does so: pip install -c constraints.txt -e '.[alerts]'"
        ) from error
    sender = apprise.Apprise()
    for url in urls:
        if not sender.add(url):
            raise WatchError(f"{url} is nowhere to send to: see the services of apprise")
    with apprise.LogCapture(level=logging.WARNING, fmt="%(message)s") as said:
        if not sender.notify(title=title, body="\n".join(messages), notify_type="failure"):
            raise WatchError(f"not everyone could be told: {said.getvalue().strip()}")


def _read(memory: Path) -> dict[str, str]:
    if not memory.exists():
        return {}
    try:
        return json.loads(memory.read_text(encoding="utf-8"))
    except ValueError as error:
        raise WatchError(
            f"{memory} is damaged: delete it, and what is wrong now is told again"
        ) from error


def _write(memory: Path, told: dict[str, str]) -> None:
    """Write at once or not at all."""
    draft = memory.with_suffix(".new")
    draft.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    os.replace(draft, memory)
