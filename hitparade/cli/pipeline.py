"""The commands from raw files to a warehouse and its reports: sample, build, tune, report."""

import os
import signal
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from hitparade.cli.terminal import console, errors
from hitparade.output import short, wrote
from hitparade.pipeline import publish as publishing
from hitparade.project import database, root
from hitparade.sources import folders
from hitparade.warehouse import WarehouseError

app = typer.Typer()
# With one of them, or --empty, dbt builds tables without rows.
EMPTY = ("DBT_EMPTY", "DBT_ENGINE_EMPTY")
TRUE = ("1", "true", "t", "yes", "y", "on")  # as dbt reads a variable


@app.command()
def sample(
    songs: Annotated[int, typer.Option(help="Rows of the chart songs file.")] = 953,
    tracks: Annotated[int, typer.Option(help="Rows of the tracks file; 114000 is full size.")] = (
        12_000
    ),
    playlists: Annotated[int, typer.Option(help="Number of playlists, 1,000 per slice.")] = 2_000,
    playlist_tracks: Annotated[
        int | None,
        typer.Option(
            help="About how many distinct tracks; by default 2.26 a playlist, at least 2,000."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the random generator.")] = 2023,
    folder: Annotated[
        Path | None, typer.Option(help="Where to write; data/sample of the project by default.")
    ] = None,
) -> None:
    """Write sample data in the raw formats. The same options write the same files."""
    from hitparade.sample import write_sample  # the import takes as long as all others together

    try:
        with errors(OSError):
            folder = folder or folders.own_sample_folder()
            paths = write_sample(folder, songs, tracks, playlists, playlist_tracks, seed)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    for path in paths:
        wrote(console, path)


Target = Annotated[
    Literal["duckdb", "snowflake"],
    typer.Option(help="A DuckDB file, or the Snowflake account of docs/snowflake.md."),
]


def _refuse_old_files() -> None:
    """Stop if the generated files do not follow from the declarations."""
    from hitparade import generate as generating

    with errors(generating.DeclarationError, OSError):
        if changed := generating.check(root()):
            raise generating.DeclarationError(
                f"{len(changed)} files do not follow from tasks/, such as {short(changed[0])}: run "
                "`hitparade generate`"
            )


@app.command()
def build(target: Target = "duckdb") -> None:
    """Build the warehouse from the raw files, or from a sample if there are none."""
    # Here and below: what imports generated files, which `hitparade generate` must not need.
    from hitparade.cli import summary
    from hitparade.pipeline import build as building
    from hitparade.sources.snowflake import LoadError

    _refuse_old_files()
    with errors(folders.RawFileError, WarehouseError, LoadError, OSError):
        succeeded = building.run(console, target)
    if not succeeded:
        raise typer.Exit(1)
    if target == "duckdb":
        console.print()
        summary.show(console, database())
        summary.show_unused(console)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def publish(context: typer.Context) -> None:
    """Run `dbt build` with the given options on a copy of the file, and publish the copy.

    The file stays readable and unchanged until the build has succeeded. Then the copy replaces it.
    """
    options = {argument.partition("=")[0] for argument in context.args}
    if {"--target", "-t"} & options:
        raise typer.BadParameter("only a DuckDB file can be published: run `dbt build --target`")
    if "--project-dir" in options:
        raise typer.BadParameter("change to the project's folder, or set DBT_PROJECT_DIR to it")
    if "--empty" in options or any(os.environ.get(name, "").lower() in TRUE for name in EMPTY):
        raise typer.BadParameter("empty tables are not published: leave out --empty and DBT_EMPTY")
    _refuse_old_files()
    with errors(WarehouseError, OSError):
        succeeded = publishing.build(console, database(), context.args)
    if not succeeded:
        raise typer.Exit(1)


@app.command()
def follow(
    folder: Annotated[
        Path | None,
        typer.Argument(help="The folder of the raw files or one in it; by default the former."),
    ] = None,
    every: Annotated[
        int, typer.Option(min=1, help="Least seconds from the start of a batch to the next.")
    ] = 60,
) -> None:
    """Publish new playlists as slices and files of JSON lines arrive, until stopped.

    Does not train: that is for a `hitparade build` from time to time.
    """
    from hitparade.pipeline import follow as following

    _refuse_old_files()
    # A process that is ended by its supervisor stops dbt and removes its draft, as after Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        with errors(following.FollowError, folders.RawFileError, WarehouseError, OSError):
            following.run(console, database(), folder or folders.raw_folder(), every)
    except KeyboardInterrupt as stop:
        console.print("Stopped. Playlists that are not published yet are in the next batch.")
        raise typer.Exit(130) from stop


@app.command()
def load() -> None:
    """Load the raw files and the code into Snowflake; they replace those of an earlier load."""
    from hitparade.pipeline import build as building
    from hitparade.sources import snowflake

    _refuse_old_files()
    with errors(folders.RawFileError, snowflake.LoadError, OSError):
        building.write_missing_sample(console)
        snowflake.run(console)


@app.command()
def doctor(target: Target = "duckdb") -> None:
    """Check that everything a build needs is there. If something is missing, name the next step."""
    from hitparade.pipeline import doctor as doctors

    checks = doctors.duckdb_checks() if target == "duckdb" else doctors.snowflake_checks()
    is_well = True
    with errors(OSError):
        for check in checks:
            is_well &= not check.step
            sign = "[red]✗[/red]" if check.step else "[green]✓[/green]"
            console.print(f"{sign} {check.name}: {escape(check.found)}", soft_wrap=True)
            if check.step:
                console.print(f"  {check.step}", soft_wrap=True, markup=False)
    if not is_well:
        raise typer.Exit(1)


@app.command()
def generate(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing, and fail if a file differs.")
    ] = False,
) -> None:
    """Generate files from the declarations in tasks/: models, functions, macros."""
    from hitparade import generate as generating

    with errors(generating.DeclarationError, OSError):
        changed = (generating.check if check else generating.write)(root())
    for path in changed:
        did = "differs from tasks/:" if check else "wrote" if path.exists() else "deleted"
        console.print(f"{did} {short(path)}", soft_wrap=True)
    if check and changed:
        console.print("Run `hitparade generate`, and commit the files that it writes.")
        raise typer.Exit(1)
    if not changed:
        console.print("All generated files agree with tasks/.")


@app.command()
def tune(
    task: Annotated[str, typer.Argument(help="The task, such as hit.")],
    algorithm: Annotated[
        list[str] | None,
        typer.Option(
            help="An algorithm to tune; may be repeated. Default: all with a search space."
        ),
    ] = None,
    trials: Annotated[
        int, typer.Option(min=1, help="Largest number of trials per algorithm.")
    ] = 30,
    seconds: Annotated[
        int,
        typer.Option(
            min=1, help="Time limit for all algorithms together, without the final test on fold 0."
        ),
    ] = 600,
    seed: Annotated[int, typer.Option(help="Seed of the search.")] = 0,
    output: Annotated[
        Path | None, typer.Option(help="Where to write; tuned/TASK.yml by default.")
    ] = None,
) -> None:
    """Search for better hyperparameters of a task, and write them to a file for review."""
    from hitparade import tune as tuning  # importing optuna and the models takes a while
    from hitparade.generate import DeclarationError
    from models_py.examples import TrainingError
    from models_py.search import Limits

    limits = Limits(trials, seconds, seed)
    output = output or Path("tuned", f"{task}.yml")
    try:
        with errors(tuning.TuneError, WarehouseError, TrainingError, DeclarationError, OSError):
            tuning.run(console, database(), task, algorithm or (), limits, output)
    except KeyboardInterrupt as stop:
        console.print("Stopped. Finished trials are in ml.tuning_trials.")
        raise typer.Exit(130) from stop


@app.command()
def parquet(
    folder: Annotated[Path, typer.Argument(help="A new folder.", file_okay=False)],
) -> None:
    """Write the playlists and their tracks as Parquet files, in a folder for each slice."""
    from hitparade.sources import parquet as files

    with errors(WarehouseError, OSError):
        for path in files.write(database(), folder):
            wrote(console, path)


@app.command("app")
def show_app(
    address: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 accepts other machines.")
    ] = "localhost",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8501,
    headless: Annotated[bool, typer.Option(help="Do not open a browser.")] = False,
) -> None:
    """Show the what-if page in a browser. It only reads the database and can run during builds."""
    from hitparade import app as page

    with errors(page.AppError):
        database()  # a missing project is reported here, and not in the browser
        page.run(address, port, headless)


@app.command()
def report(
    output: Annotated[Path, typer.Option(help="Where to write the page.")] = Path("report.html"),
) -> None:
    """Write an HTML page with the charts of a finished warehouse; it needs no network."""
    from hitparade import report as pages  # importing plotly takes a while

    with errors(pages.ReportError, WarehouseError, OSError):
        pages.write(database(), output)
    wrote(console, output, f" ({output.stat().st_size / 1e6:.1f} MB)")
