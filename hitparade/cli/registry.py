"""The commands of the registry: list models, choose champions, register your own models."""

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
    task: Annotated[str | None, typer.Argument(help="A task; all tasks by default.")] = None,
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
        console.print(f"task {task} has no models: see `hitparade models`", style="red")
        raise typer.Exit(1)
    else:
        console.print("there are no models: run `hitparade build`")


@app.command()
def show(
    name: Annotated[
        str,
        typer.Argument(help="A model_id, or a task for its champion.", metavar="TASK|MODEL_ID"),
    ],
    as_json: AsJson = False,
) -> None:
    """Show the metrics, inputs and promotions of a model, or of a task's champion."""
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
    reason: Annotated[str, typer.Option(help="The reason to record in ml.promotions.")] = "by hand",
) -> None:
    """Make a model the champion of a task, and pin the task: no build replaces it until `unpin`."""
    with _registry() as (udfs, connection):
        udfs.promote(connection, task, model_id, reason)
        _say_champion(connection, task)


@app.command()
def rollback(task: Task) -> None:
    """Promote the previous champion of a task; a second rollback undoes the first."""
    with _registry() as (udfs, connection):
        udfs.rollback(connection, task)
        _say_champion(connection, task)


@app.command()
def pin(task: Task) -> None:
    """Keep the champion of a task until `unpin`: no build replaces it."""
    with _registry() as (udfs, connection):
        udfs.pin(connection, task)
        console.print(f"task {task} keeps its champion until it is unpinned", soft_wrap=True)


@app.command()
def unpin(task: Task) -> None:
    """Let builds choose the champion of a task by rule again, starting with the next one."""
    with _registry() as (udfs, connection):
        udfs.unpin(connection, task)
        console.print(
            f"task {task}: the next build chooses the champion by rule again", soft_wrap=True
        )


@app.command()
def assign(
    task: Task,
    model_id: ModelId,
    share: Annotated[
        float, typer.Argument(help="Share of the keys, 0 to 1; 0 takes it out of the traffic.")
    ],
) -> None:
    """Make a model a challenger: give it a share of a task's traffic, see `assigned_model`."""
    with _registry() as (udfs, connection):
        udfs.assign(connection, task, model_id, share)
        query = "select model_id, is_champion, share from ml.traffic where task = ? order by all"
        show_rows(f"Traffic of {task}", rows_of(connection.execute(query, [task])))


@app.command()
def prune(
    keep: Annotated[
        int, typer.Option(help="Number of newest versions to keep of each algorithm.")
    ] = 3,
    dry_run: Annotated[bool, typer.Option(help="List the models, and drop nothing.")] = False,
) -> None:
    """Drop the bytes of unused models; their metadata stays."""
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
            console.print("Later builds reuse the space.")


@app.command()
def register(
    file: Annotated[Path, typer.Argument(help="An ONNX file.", exists=True, dir_okay=False)],
    task: Annotated[str, typer.Option(help="An existing or a new task.")],
    inputs: Annotated[
        str | None,
        typer.Option(help="Names of its features in order: a,b,c; by default the task's."),
    ] = None,
    labels: Annotated[
        str | None, typer.Option(help="Names of its scores in order: x,y; by default the task's.")
    ] = None,
    algorithm: Annotated[
        str | None, typer.Option(help="Name of the algorithm; by default the file's name.")
    ] = None,
    promoted: Annotated[bool, typer.Option("--promote", help="Make it the champion.")] = False,
) -> None:
    """Store an ONNX model of your own; onnx_predict can call it immediately."""
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
        backends = "both backends" if kind else "the ONNX Runtime backend only: it has no SQL form"
        console.print(f"registered {model_id} for task {task}: runs on {backends}", soft_wrap=True)
        if promoted:
            udfs.promote(connection, task, model_id, "registered")
            _say_champion(connection, task)


@app.command()
def unregister(model_id: ModelId) -> None:
    """Remove a registered model that was never used, such as one with a wrong name."""
    with _registry() as (udfs, connection):
        udfs.unregister_model(connection, model_id)
        console.print(f"model {model_id} is no longer in the registry", soft_wrap=True)


@app.command()
def function(
    task: Annotated[str, typer.Argument(help="A task whose models were registered.")],
    rows: Annotated[
        str | None,
        typer.Option(help="Its present rows, to watch: a dbt model, or schema.table."),
    ] = None,
    key: Annotated[str | None, typer.Option(help="The column that identifies a row.")] = None,
    label: Annotated[
        str | None, typer.Option(help="The column with the right answers, for `evaluate`.")
    ] = None,
    predictions: Annotated[
        str | None, typer.Option(help="A table of stored predictions to build.")
    ] = None,
) -> None:
    """Declare a task whose models were registered, and generate its functions."""
    from hitparade import generate as generating
    from hitparade.generate.declare import declare

    given = {"relation": rows, "key": key, "label": label, "predictions": predictions}
    with _registry(read_only=True) as (_, connection):
        known = {name: text for name, text in given.items() if text}
        file, has_examples = declare(connection, task, root() / "tasks", known)
    with errors(generating.DeclarationError, OSError):
        try:
            paths, names = generating.write(root()), generating.nodes_of(root(), task)
        except generating.DeclarationError:
            file.unlink()
            raise
    for path in (file, *paths):
        wrote(console, path)
    console.print(f"Build them: hitparade publish --select {' '.join(names)}", soft_wrap=True)
    if not has_examples:
        console.print(
            "The model has no examples: it is not explained, and the drift of its inputs is not "
            "known. Register it with examples.",
            style="yellow",
            soft_wrap=True,
        )
    elif rows:
        console.print(f"Every `hitparade build` compares {rows} with the examples.")


@app.command()
def evaluate(
    name: Annotated[
        str,
        typer.Argument(
            help="A registered model_id, or a task for its champion.", metavar="TASK|MODEL_ID"
        ),
    ],
    rows: Annotated[
        str | None,
        typer.Option(help="A table of labelled rows; by default that of the declaration."),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(help="Its column of right answers; by default that of the declaration."),
    ] = None,
) -> None:
    """Measure a registered model on labelled rows, and store the result for the leaderboard."""
    from hitparade.generate import DeclarationError
    from hitparade.pipeline.evaluation import labelled

    with _registry() as (udfs, connection), errors(DeclarationError):
        task, model_id, *given = labelled(connection, root() / "tasks", name, rows, label)
        found = udfs.evaluate(connection, model_id, *given, task=task)
        measured = [
            {"metric": metric, "model": value, "baseline": found.baseline[metric]}
            for metric, value in found.metrics.items()
        ]
        show_rows(f"Model {model_id} of {task} on {found.rows:,} rows", measured)
        for count, what in ((found.unanswered, "no answer"), (found.unlabelled, "no label")):
            if count:
                console.print(f"{count:,} rows have {what} and were left out.")
        console.print("The next `hitparade build` shows it in rpt_model_leaderboard.")


@app.command()
def upgrade() -> None:
    """Upgrade the registry of a database that an earlier version made."""
    from hitparade.pipeline import upgrade as upgrading

    with errors(WarehouseError, OSError):
        file = database()
        before, after, rows = upgrading.run(file)
    if before == after:
        console.print(f"the registry already has format {after}")
    else:
        console.print(
            f"the registry was upgraded from format {before} to {after}, {rows} models kept: "
            "run `hitparade build`",
            soft_wrap=True,
        )
        wrote(console, file)


@contextmanager
def _registry(read_only: bool = False) -> Iterator[tuple]:
    """Yield `udfs` and a connection to the warehouse; their errors end the command."""
    import udfs  # importing onnxruntime takes a while

    with errors(WarehouseError, udfs.ModelError, OSError), ExitStack() as stack:
        file = path = database()
        if not read_only and path.is_file():
            path = stack.enter_context(draft(path))
        yield udfs, stack.enter_context(opened(path, read_only=read_only))
    if not read_only:
        wrote(console, file)


def _say_champion(connection: duckdb.DuckDBPyConnection, task: str) -> None:
    """Print the current champion, and which stored predictions come from another model."""
    champion = "select algorithm, model_id from ml.champions inner join ml.model_versions "
    champion += "using (task, model_id) where task = ? limit 1"
    ((algorithm, model_id),) = connection.execute(champion, [task]).fetchall()
    console.print(
        f"task {task}: the champion is now {algorithm} {model_id}, until you promote another "
        "model or unpin the task",
        soft_wrap=True,
    )
    kind = "select kind from ml.served_models where model_id = ?"
    if connection.execute(kind, [model_id]).fetchall()[0][0] is None:
        console.print(
            "It has no SQL form: the functions of the task answer only after "
            "udfs.register(connection)",
            style="yellow",
            soft_wrap=True,
        )
    stale = "select table_name, row_count from ml.stale_predictions where task = ?"
    for table, count in connection.execute(stale, [task]).fetchall():
        console.print(
            f"{count} rows of {table} are stale, because another model scored them (see "
            f"ml.stale_predictions): hitparade publish --select {table}+ scores them again",
            soft_wrap=True,
        )
