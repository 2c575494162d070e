"""What goes on unattended: `hitparade watch`."""

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
        typer.Option(
            help="Where to send to, a URL of apprise; again for more.", envvar="HITPARADE_NOTIFY"
        ),
    ] = None,
) -> None:
    """Look for what is wrong without an error, and tell people of it, once for each incident.

    Ends with code 1 while anything is wrong, and with 2 where people could not be told.
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
        console.print(f"Incidents: {len(found)}, told now: {new}")
    if found:
        raise typer.Exit(1)
    console.print("Nothing is wrong.")
