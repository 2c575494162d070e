"""Renew, or check, what README.md and docs/ show: `python -m docs.tools [--check]`."""

from pathlib import Path
from typing import Annotated

import typer

from docs.tools import examples, reference, sample

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    check: Annotated[bool, typer.Option(help="Write nothing; fail where a page differs.")] = False,
    database: Annotated[
        Path | None, typer.Option(help="A finished file of the sample; built without it.")
    ] = None,
) -> None:
    """Renew the outputs of the examples and the pages of docs/reference."""
    with sample.warehouse(database) as file, sample.published_charts() as charts:
        if charts is None:
            print("The published chart file is not here: its example stays as it is.")
        texts = reference.pages(file) | {
            page: examples.renewed(page, file, charts) for page in examples.PAGES
        }
    differing = [
        path for path, text in texts.items() if not path.is_file() or path.read_text() != text
    ]
    if not check:
        for path in differing:
            path.write_text(texts[path])
    for path in differing:
        print(f"{'differs' if check else 'renewed'}: {path.relative_to(examples.ROOT)}")
    if check and differing:
        raise SystemExit(1)


if __name__ == "__main__":
    app()
