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
            table = _table(title, connection.execute(query))
            # A narrow terminal wraps the lines, which is better than cutting the numbers.
            console.print(table, width=max(console.width, 100), crop=False)
    console.print(f"Database: {database}", soft_wrap=True)
    console.print("Try, after `source .venv/bin/activate`:")
    console.print(f'  dbt show --inline "{QUERY}"', soft_wrap=True, highlight=False)


def _table(title: str, result: duckdb.DuckDBPyConnection) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for column in result.description:
        table.add_column(column[0], no_wrap=True)
    for row in result.fetchall():
        table.add_row(*["" if cell is None else str(cell) for cell in row])
    return table
