"""What a build did, in one screen."""

from pathlib import Path

import duckdb
from rich import box
from rich.console import Console
from rich.table import Table

SOURCES = """
    select
        files.source,
        files.status,
        coalesce(files.file, '') as file,
        files.row_count as rows,
        count(quarantine.source) as quarantined
    from staging.stg_raw__files as files
    left join staging.quarantine as quarantine on files.source = quarantine.source
    where files.source <> 'ceilings'
    group by all
    order by files.source
"""
CHAMPIONS = """
    select
        challengers.task,
        coalesce(metrics.algorithm, 'none') as champion,
        coalesce(metrics.model_id, challengers.reason) as model_id,
        metrics.metric,
        format('{:.4f} ± {:.4f}', metrics.mean, metrics.standard_error) as "mean ± se",
        format('{:.4f}', metrics.baseline_mean) as baseline,
        coalesce(format('{:.4f}', metrics.ceiling), '') as ceiling
    from ml.challengers as challengers
    left join ml.champions as champions on challengers.task = champions.task
    left join ml.model_metrics as metrics
        on champions.model_id = metrics.model_id and metrics.is_primary
    order by challengers.task
"""
QUERY = "select predict_hit(danceability := 0.7, energy := 0.8, valence := 0.5, tempo := 120)"


def show(console: Console, database: Path) -> None:
    """Print sources, champions, the database file and a query to try."""
    with duckdb.connect(database, read_only=True) as connection:
        for title, query in (("Sources", SOURCES), ("Champions", CHAMPIONS)):
            result = connection.execute(query)
            names = [column[0] for column in result.description]
            rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
            show_rows(console, title, rows)
    console.print(f"Database: {_short(database)}", soft_wrap=True)
    console.print("Try, after `source .venv/bin/activate`:")
    console.print(f'  dbt show --inline "{QUERY}"', soft_wrap=True, highlight=False)


def show_rows(console: Console, title: str, rows: list[dict]) -> None:
    """Print rows with equal keys as a table."""
    # A narrow terminal may wrap the lines; cut numbers would be worse.
    console.width = max(console.width, 100)
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for name in rows[0] if rows else ():
        table.add_column(name)
    for row in rows:
        table.add_row(*map(_text, row.values()))
    console.print(table)


def _short(path: Path) -> Path:
    """The path from here, where it is below here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _text(cell: object) -> str:
    if cell is None:
        return ""
    return f"{cell:.3g}" if isinstance(cell, float) else str(cell)
