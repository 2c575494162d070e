"""The pages of docs/reference, written from the code."""

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import yaml

from hitparade.generate.reading import SCHEMA

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "reference"
WRITTEN = "<!-- Written by `make docs`: change the source that the page names, not this page. -->\n"

CLI = """# Commands

Run them in the activated environment (`source .venv/bin/activate`), in the folder of the project:
`hitparade`, like dbt, acts on the project of the folder that it is started in. Each command prints
this text with `--help`. The sources are `hitparade/cli` and `benchmarks/__main__.py`.
"""
FUNCTIONS = """# Functions

[The guide](../functions.md) shows how to use them. Arguments are given by position or by name
(`energy := 0.8`). A function of a track or a chart song also takes a row of a table,
`predict_hit(t)`. The source is `udfs/functions`.
"""
VARIABLES = """# Variables

Change them in `dbt_project.yml`, or for one run: `dbt build --vars '{hit_cut: 70}'`.
[Environment variables](environment.md) have a page of their own.
"""
DECLARATIONS = """# Declarations

The keys of the files in `tasks/`. A key with a star is needed. `hitparade generate` checks each
file against `hitparade/generate/schema.yml`. [The guide](../add-a-task.md) has an example.
"""
QUERIES = """# Query book

Each question is a file that runs as it is: `dbt show --select hidden_gems`, or in the DuckDB
command line `.read sql/hidden_gems.sql`. A question that needs ONNX Runtime says so; it runs with
dbt, and in Python after `udfs.register(connection)`.
"""
TABLES = """# Tables

Every table and column is described in the database itself, so that clients show it:
`select comment from duckdb_columns()`. The sources are the YAML files beside the dbt models.
"""


def pages(database: Path) -> dict[Path, str]:
    """The text of each page of the reference, by its file."""
    texts = {
        "cli": cli(),
        "functions": functions(),
        "variables": variables(),
        "declarations": declarations(),
        "queries": queries(),
        "tables": tables(database),
    }
    return {FOLDER / f"{name}.md": WRITTEN + text for name, text in texts.items()}


def cli() -> str:
    """The commands of `hitparade` and of the benchmarks, as typer documents them."""
    from benchmarks.__main__ import app as benchmarks
    from hitparade.cli import app as hitparade

    named = {"hitparade": hitparade, "python -m benchmarks": benchmarks}
    return CLI + "".join(_commands(name, app) for name, app in named.items())


def _commands(name: str, app) -> str:
    """Typer's documentation of a command."""
    import typer
    from typer.cli import get_docs_for_click

    command = typer.main.get_command(app)
    for inner in command.commands.values():  # typer would cut it off at 45 letters
        inner.short_help = inner.help.split("\n")[0]
    with command.make_context(name, [], resilient_parsing=True) as context:
        text = get_docs_for_click(obj=command, ctx=context, name=name)
    text = text.replace(f"{ROOT}/", "")
    text = re.sub(r"^\* `--(install|show)-completion`.*\n", "", text, flags=re.M)
    # Headings one level lower and without code.
    return "\n" + re.sub(r"^(#+) `(.*)`$", r"#\1 \2", text, flags=re.M).strip() + "\n"


# The families of functions: a heading, and the beginnings of their names.
FAMILIES = {
    "Predictions of the champion": r"predict_\w+(?<!_by)$",
    "Predictions of a chosen algorithm": r"predict_\w+_by$",
    "Explanations": r"explain_",
    "Checks": r"check_",
    "Encoded inputs": r"encode_",
    "Next songs": r"next_|similar_|track_vector",
    "Song optimization": r"optimize_|describe_",
    "Any model, by its id": r"onnx_",
    "Traffic": r"assigned_",
}


def functions() -> str:
    """Every SQL function with its arguments, from the YAML of udfs/functions."""
    found = {
        function["name"]: function
        for file in (ROOT / "udfs" / "functions").rglob("*.yml")
        for function in yaml.safe_load(file.read_text())["functions"]
    }
    text = FUNCTIONS
    for family, pattern in FAMILIES.items():
        names = sorted(name for name in found if re.match(pattern, name))
        text += f"\n## {family}\n" + "".join(_function(found.pop(name)) for name in names)
    if found:
        raise ValueError(f"functions of no family: {', '.join(found)}; see FAMILIES")
    return text


def _function(function: dict) -> str:
    arguments = function.get("arguments", [])
    names = ", ".join(argument["name"] for argument in arguments)
    rows = [
        (f"`{argument['name']}`", f"`{argument['data_type']}`", argument.get("description", ""))
        for argument in arguments
    ]
    returns = function["returns"]
    return (
        f"\n### {function['name']}\n"
        f"\n`{function['name']}({names})`\n"
        f"\n{_line(function['description'])}\n"
        + _table(("argument", "type", "meaning"), rows)
        + f"\nReturns `{returns['data_type']}`: {_line(returns.get('description', ''))}\n"
    )


def variables() -> str:
    """The variables of dbt_project.yml, with the comments above them."""
    block = re.search(r"^vars:\n((?:  .*\n|\n)+)", (ROOT / "dbt_project.yml").read_text(), re.M)
    rows, said = [], []
    for line in block[1].splitlines():
        if comment := re.match(r"  # ?(.*)", line):
            said.append(comment[1])
        elif variable := re.match(r"  (\w+): *(.*)", line):
            rows.append((f"`{variable[1]}`", f"`{variable[2]}`", " ".join(said) or "See above."))
            said = []
    return VARIABLES + _table(("variable", "default", "meaning"), rows)


def declarations() -> str:
    """The keys of the files in tasks/, from their schema."""
    parts = {
        "A task: tasks/TASK.yml": SCHEMA["tabular"],
        "A task with its own code": SCHEMA["special"],
        "A task whose models are registered": SCHEMA["registered"],
        "An entity: tasks/columns.yml": SCHEMA["$defs"]["entity"],
        "A column of an entity": SCHEMA["$defs"]["column"],
    }
    text = DECLARATIONS
    for title, schema in parts.items():
        text += f"\n## {title}\n" + _table(("key", "meaning"), list(_keys(schema)))
    return text


def _keys(schema: dict, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield each key of a mapping and of the mappings in it, with its meaning."""
    for name, given in schema.get("properties", {}).items():
        reference = given.get("$ref", "").rpartition("/")[2]
        meant = SCHEMA["$defs"].get(reference, {}) | given
        star = " *" if name in schema["required"] else ""
        yield f"`{prefix}{name}`{star}", _line(meant["description"])
        inner = meant.get("additionalProperties") or {}
        yield from _keys(meant, f"{prefix}{name}.")
        if "required" in inner:
            yield from _keys(inner, f"{prefix}{name}.NAME.")


def queries() -> str:
    """The query book: the question that each file of sql/ answers."""
    rows = [
        (re.match(r"-- (.*)", file.read_text())[1], f"[{file.stem}](../../sql/{file.name})")
        for file in sorted((ROOT / "sql").glob("*.sql"))
    ]
    return QUERIES + _table(("question", "file"), rows)


# The schemas in the order of the page.
SCHEMAS = {
    "main": "Marts, predictions and functions: what people and BI tools read.",
    "ml": "The registry: models, metrics, champions, runs.",
    "features": "What models are trained on.",
    "staging": "The raw files, cast and renamed, and the quarantine.",
}
DESCRIBED = """
    select table_name as name, comment from duckdb_tables() where schema_name = $schema
    union all
    select view_name, comment from duckdb_views() where schema_name = $schema and not internal
    order by name
"""
COLUMNS = """
    select concat('`', column_name, '`'), concat('`', data_type, '`'), coalesce(comment, '')
    from duckdb_columns()
    where schema_name = $schema and table_name = $name
    order by column_index
"""


def tables(database: Path) -> str:
    """Tables and views, with the descriptions in the catalog of a finished file."""
    text = TABLES
    with duckdb.connect(str(database), read_only=True) as connection:
        for schema, meaning in SCHEMAS.items():
            text += f"\n## Schema {schema}\n\n{meaning}\n"
            found = connection.execute(DESCRIBED, {"schema": schema}).fetchall()
            # Tables without a description are internal.
            for name, comment in [(name, comment) for name, comment in found if comment]:
                key = {"schema": schema, "name": name}
                columns = connection.execute(COLUMNS, key).fetchall()
                text += f"\n### {name}\n\n{_line(comment)}\n"
                text += _table(("column", "type", "meaning"), columns)
    return text


def _table(names: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table, with an empty line before it."""
    lines = [names, ("---",) * len(names), *rows]
    return "\n" + "".join(f"| {' | '.join(_line(cell) for cell in line)} |\n" for line in lines)


def _line(text: str) -> str:
    """A description as one line for a Markdown table."""
    line = " ".join(text.split()).replace("|", "\\|")
    return re.sub(r"(?<!`)<(\w+)>", r"`<\1>`", line)  # a name such as <model_id> is no HTML
