"""The `hitparade` command, with one module for each group of commands."""

import typer

from hitparade.cli import monitoring, pipeline, registry, serving

app = typer.Typer(
    help="In-database machine learning for music analytics.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(pipeline.app)
app.add_typer(registry.app)
app.add_typer(monitoring.app)
app.add_typer(serving.app)
