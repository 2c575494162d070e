"""The commands of the server: serve, password."""

import asyncio
import os
import ssl
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TextIO

import typer

from hitparade.cli.terminal import console, errors
from hitparade.project import ProjectError, database, root
from hitparade.serve.local import LOCAL

if TYPE_CHECKING:  # the extra may be missing
    from hitparade.serve.users import Users

app = typer.Typer()
MISSING = "hitparade serve needs more packages: pip install -c constraints.txt -e '.[serve]'"


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of PostgreSQL clients.")] = 5432,
    http_port: Annotated[int, typer.Option(min=0, max=65535, help="Of HTTP clients.")] = 8080,
    http: Annotated[bool, typer.Option(help="Whether to answer HTTP at all.")] = True,
    users: Annotated[
        Path | None, typer.Option(help="A YAML file of users; see docs/serve.md.")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes that run statements; by default one a core."),
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads of each of them.")] = 1,
    worker_memory: Annotated[
        int,
        typer.Option(min=1, help="GiB after which a process is replaced, between two statements."),
    ] = 4,
    connections: Annotated[
        int, typer.Option(min=1, help="PostgreSQL clients at the same time.")
    ] = 100,
    structs: Annotated[
        Literal["json", "composite"], typer.Option(help="How PostgreSQL clients see structs.")
    ] = "json",
    certificate: Annotated[
        Path | None, typer.Option("--tls-cert", help="The certificate, as a PEM file.")
    ] = None,
    key: Annotated[Path | None, typer.Option("--tls-key", help="Its key, as a PEM file.")] = None,
    audit: Annotated[
        Path | None, typer.Option(help="A file that gets a line for each statement; - for stderr.")
    ] = None,
    drain: Annotated[
        float, typer.Option(help="Seconds that statements have to end when the server stops.")
    ] = 30.0,
) -> None:
    """Serve the built file to PostgreSQL and HTTP clients, read-only."""
    try:
        from hitparade.serve.pool import Failed
        from hitparade.serve.run import Settings, run
        from hitparade.serve.users import UsersError
    except ModuleNotFoundError as error:
        console.print(f"{MISSING} ({error.name} is missing)", style="red", markup=False)
        raise typer.Exit(1) from error
    with errors(Failed, UsersError, OSError), ExitStack() as opened:
        settings = Settings(
            path=database(),
            users=_users(users, host),
            host=host,
            port=port,
            http_port=http_port if http else None,
            workers=workers or os.cpu_count() or 2,
            threads=threads,
            most_memory=worker_memory * 2**30,
            connections=connections,
            structs=structs,
            tls=_tls(certificate, key),
            drain=drain,
            audit=_audit(audit, opened),
            functions=_functions(),
        )
        if host not in LOCAL and settings.tls is None:
            console.print(
                "Warning: nothing is encrypted. Give --tls-cert and --tls-key, or put a proxy "
                "with TLS in front of the server.",
                style="yellow",
            )
        asyncio.run(run(settings))


def _users(path: Path | None, host: str) -> "Users":
    from hitparade.serve import users

    named = users.from_environment()
    if path and named:
        raise users.UsersError(
            f"the users are given twice, by --users and by {users.PASSWORD_VARIABLE} or "
            f"{users.TOKEN_VARIABLE}: give one"
        )
    known = users.from_file(path) if path else named
    if known is None and host not in LOCAL:
        raise users.UsersError(
            f"a server on {host} needs users: give --users, or set {users.PASSWORD_VARIABLE}"
        )
    return known or users.nobody_asks()


def _functions() -> Path | None:
    """Return the folder that describes the functions of the project, if there is a project."""
    try:
        return root() / "udfs" / "functions"
    except ProjectError:
        return None


def _tls(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise typer.BadParameter("--tls-cert and --tls-key belong together")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        raise typer.BadParameter(
            f"{certificate} and {key} are no certificate and its key: {error.reason or error}"
        ) from error
    return context


def _audit(path: Path | None, opened: ExitStack) -> TextIO | None:
    if path is None or str(path) == "-":
        return sys.stderr if path else None
    return opened.enter_context(path.open("a", encoding="utf-8"))


@app.command()
def password() -> None:
    """Ask for a password and print its verifier, for a file of users."""
    from hitparade.serve.scram import Verifier

    typer.echo(
        str(Verifier.of(typer.prompt("Password", hide_input=True, confirmation_prompt=True)))
    )
