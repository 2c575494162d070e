"""The commands of the registry: look at models, choose champions, bring models of your own."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import duckdb
import typer

from hitparade.cli.terminal import AsJson, console, errors, show_json, show_rows
from hitparade.output import wrote
from hitparade.pipeline.publish import draft
from hitparade.project import database, root
from hitparade.warehouse import WarehouseError, opened, rows_of

app = typer.Typer()
Task = Annotated[str, typer.Argument(help="The task, such as hit.")]
ModelId = Annotated[str, typer.Argument(help="The model_id, as `hitparade models` shows it.")]


@app.command()
def models(
    task: Annotated[str | None, typer.Argument(help="A task; all without it.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the models of the registry, and what each is used for."""
    from hitparade.cli import listing

    with errors(WarehouseError), opened(database()) as connection:
        rows = rows_of(connection.execute(listing.MODELS, {"task": task}))
    if as_json:
        show_json(rows)
    elif rows:
        console.width = max(console.width, 165)
        show_rows("Models", rows)
    elif task:
        console.print(f"there are no models of task {task}: see `hitparade models`", style="red")
        raise typer.Exit(1)
    else:
        console.print("there are no models: run `hitparade build`")


@app.command()
def show(
    name: Annotated[
        str,
        typer.Argument(help="A task, for its champion, or a model_id.", metavar="TASK|MODEL_ID"),
    ],
    as_json: AsJson = False,
) -> None:
    """Show all that is known of a model, or of a task's champion: metrics, inputs, promotions."""
    from hitparade.cli import listing

    with errors(WarehouseError), opened(database()) as connection:
        found = listing.show(connection, name)
    if as_json:
        show_json(found)
        return
    for title, rows in found.items():
        if rows:
            show_rows(title, rows)


@app.command()
def promote(
    task: Task,
    model_id: ModelId,
    reason: Annotated[str, typer.Option(help="Why, for ml.promotions.")] = "by hand",
) -> None:
    """Make a model the champion of a task; the rule leaves the task alone until `unpin`."""
    with _registry() as (udfs, connection):
        udfs.promote(connection, task, model_id, reason)
        _say_champion(connection, task)


@app.command()
def rollback(task: Task) -> None:
    """Promote the champion before the present one; twice is back again."""
    with _registry() as (udfs, connection):
        udfs.rollback(connection, task)
        _say_champion(connection, task)


@app.command()
def pin(task: Task) -> None:
    """Keep the champion of a task until `unpin`, whatever a build trains."""
    with _registry() as (udfs, connection):
        udfs.pin(connection, task)
        console.print(f"task {task}: keeps its champion until it is unpinned")


@app.command()
def unpin(task: Task) -> None:
    """Let the rule choose the champion of a task again, from the next build on."""
    with _registry() as (udfs, connection):
        udfs.unpin(connection, task)
        console.print(f"task {task}: the rule chooses its champion again, from the next build on")


@app.command()
def assign(
    task: Task,
    model_id: ModelId,
    share: Annotated[float, typer.Argument(help="Share of the keys, 0 to 1; 0 takes it out.")],
) -> None:
    """Give a model a share of a task's traffic beside the champion, for `assigned_model`."""
    with _registry() as (udfs, connection):
        udfs.assign(connection, task, model_id, share)
        query = "select model_id, is_champion, share from ml.traffic where task = ? order by all"
        show_rows(f"Traffic of {task}", rows_of(connection.execute(query, [task])))


@app.command()
def prune(
    keep: Annotated[int, typer.Option(help="Newest versions of each algorithm that stay.")] = 3,
    dry_run: Annotated[bool, typer.Option(help="Show what would go, and leave it.")] = False,
) -> None:
    """Drop the bytes of models that nothing uses; what is known of them stays."""
    with _registry(read_only=dry_run) as (udfs, connection):
        gone = (udfs.prunable if dry_run else udfs.prune)(connection, keep)
        names = ("task", "algorithm", "version", "bytes")
        if gone:
            show_rows(
                "Would be pruned" if dry_run else "Pruned",
                [dict(zip(names, model, strict=True)) for model in gone],
            )
        size = sum(model[-1] for model in gone) / 1e6
        console.print(f"{len(gone)} models, {size:.1f} MB.")
        if gone and not dry_run:
            console.print("Later builds use the space again.")


@app.command()
def register(
    file: Annotated[Path, typer.Argument(help="An ONNX file.", exists=True, dir_okay=False)],
    task: Annotated[str, typer.Option(help="The task, old or new.")],
    inputs: Annotated[
        str | None, typer.Option(help="Names of its features in order: a,b,c; those of the task.")
    ] = None,
    labels: Annotated[
        str | None, typer.Option(help="Names of its scores in order: x,y; those of the task.")
    ] = None,
    algorithm: Annotated[
        str | None, typer.Option(help="Name of this line of models; the name of the file.")
    ] = None,
    promoted: Annotated[bool, typer.Option("--promote", help="Make it the champion.")] = False,
) -> None:
    """Store a model of your own, callable at once with onnx_predict."""
    with _registry() as (udfs, connection):
        model_id = udfs.register_model(
            connection,
            file.read_bytes(),
            task=task,
            inputs=inputs.split(",") if inputs else None,
            labels=labels.split(",") if labels else None,
            algorithm=algorithm or file.stem,
        )
        query = "select kind from ml.served_models where model_id = ?"
        kind = connection.execute(query, [model_id]).fetchall()[0][0]
        lanes = "both lanes" if kind else "the runtime lane alone: no form in pure SQL"
        console.print(f"registered {model_id} for task {task}: runs in {lanes}", soft_wrap=True)
        if promoted:
            udfs.promote(connection, task, model_id, "registered")
            _say_champion(connection, task)


@app.command()
def unregister(model_id: ModelId) -> None:
    """Remove a model of your own that nothing has used yet, such as one under a wrong name."""
    with _registry() as (udfs, connection):
        udfs.unregister_model(connection, model_id)
        console.print(f"model {model_id} is no longer in the registry")


@app.command()
def function(
    task: Annotated[str, typer.Argument(help="A task whose models were registered.")],
    folder: Annotated[
        Path | None,
        typer.Option(
            help="Where to write; udfs/functions of the project without it.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
) -> None:
    """Write the dbt files of functions for a registered model: predict, proba and check."""
    from hitparade.generate import registered

    with _registry(read_only=True) as (_, connection):
        folder = folder or root() / "udfs" / "functions"
        paths = registered.write(connection, task, folder)
    for path in paths:
        wrote(console, path)
    names = " ".join(path.stem for path in paths if path.suffix == ".sql")
    console.print(f"Build them: dbt build --select {names}", soft_wrap=True)


@app.command()
def upgrade() -> None:
    """Bring the registry of a file from an earlier version to the format of this one."""
    from hitparade.pipeline import upgrade as upgrading

    with errors(WarehouseError, OSError):
        file = database()
        before, after, rows = upgrading.run(file)
    if before == after:
        console.print(f"the registry has format {after} already")
    else:
        console.print(
            f"the registry went from format {before} to {after}, {rows} models kept: "
            "run `hitparade build`"
        )
        wrote(console, file)


@contextmanager
def _registry(read_only: bool = False) -> Iterator[tuple]:
    """`udfs` and a connection to the warehouse; what they refuse ends the command."""
    import udfs  # onnxruntime takes a while to import

    with errors(WarehouseError, udfs.ModelError, OSError), ExitStack() as stack:
        file = path = database()
        if not read_only and path.is_file():
            path = stack.enter_context(draft(path))
        yield udfs, stack.enter_context(opened(path, read_only=read_only))
    if not read_only:
        wrote(console, file)


def _say_champion(connection: duckdb.DuckDBPyConnection, task: str) -> None:
    """Say who is champion now, and which stored predictions are another model's."""
    champion = "select algorithm, model_id from ml.champions inner join ml.model_versions "
    champion += "using (task, model_id) where task = ? limit 1"
    ((algorithm, model_id),) = connection.execute(champion, [task]).fetchall()
    console.print(
        f"task {task}: the champion is now {algorithm} {model_id}, until you promote another or "
        "unpin the task",
        soft_wrap=True,
    )
    kind = "select kind from ml.served_models where model_id = ?"
    if connection.execute(kind, [model_id]).fetchall()[0][0] is None:
        console.print(
            "It has no form in pure SQL: the functions of the task answer only after "
            "udfs.register(connection)",
            style="yellow",
            soft_wrap=True,
        )
    stale = "select table_name, row_count from ml.stale_predictions where task = ?"
    for table, count in connection.execute(stale, [task]).fetchall():
        console.print(
            f"{count} rows of {table} are another model's, see ml.stale_predictions: "
            f"dbt build --select {table}+ scores them again",
            soft_wrap=True,
        )
