"""Update the outputs in README.md and docs/: `python -m docs.tools`."""

from pathlib import Path
from typing import Annotated

import typer

from docs.tools import examples, reference, sample

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    database: Annotated[
        Path | None, typer.Option(help="A finished file of the sample; built without it.")
    ] = None,
) -> None:
    """Update the outputs of the examples and the pages of docs/reference."""
    with sample.warehouse(database) as file, sample.published_charts() as charts:
        if charts is None:
            print("The published chart file is not here: its example is not updated.")
        texts = reference.pages(file) | {
            page: examples.renewed(page, file, charts) for page in examples.PAGES
        }
    for path, text in texts.items():
        if not path.is_file() or path.read_text() != text:
            path.write_text(text)
            print(f"renewed: {path.relative_to(examples.ROOT)}")


if __name__ == "__main__":
    app()
