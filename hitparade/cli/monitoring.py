"""The monitoring command: `hitparade watch`."""

from typing import Annotated

import typer

from hitparade.cli.terminal import console, errors
from hitparade.pipeline import watch as watching
from hitparade.project import database

app = typer.Typer()


@app.command()
def watch(
    url: Annotated[
        list[str] | None,
        typer.Option(help="An Apprise URL to send to; may be repeated.", envvar="HITPARADE_NOTIFY"),
    ] = None,
) -> None:
    """Find problems that raise no error, and send a message about each one once.

    Exits with code 1 if there is an incident, and with 2 if a message could not be sent.
    """
    with errors(code=2):
        file = database()
    found = watching.incidents(file)
    for incident in found:
        console.print(
            f"{incident['check_name']}: {incident['message']}", markup=False, soft_wrap=True
        )
    with errors(watching.WatchError, OSError, code=2):
        new = watching.tell(file, found, url or [])
    if url:
        console.print(f"Incidents: {len(found)}, sent now: {new}")
    if found:
        raise typer.Exit(1)
    console.print("Nothing is wrong.")
