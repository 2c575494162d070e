"""The summary that a build prints at its end."""

from pathlib import Path

from rich.console import Console

from hitparade.cli.terminal import show_rows
from hitparade.output import short
from hitparade.sources.folders import raw_folder
from hitparade.sources.unused import unused
from hitparade.warehouse import opened, rows_of
from models_py.generated.tasks import SPECIAL, TABULAR

# The champion's score: its mean over the folds if it was trained on the present rows, else its
# score on the present held-out rows.
CHAMPIONS = """
    with champions as (
        select
            versions.task,
            versions.algorithm,
            versions.model_id,
            versions.origin,
            versions.feature_fingerprint,
            metrics.* exclude (task, algorithm, version, model_id)
        from ml.champions as champions
        inner join ml.model_versions as versions
            on champions.task = versions.task and champions.model_id = versions.model_id
        -- a registered model may not be evaluated
        left join ml.model_metrics as metrics
            on versions.task = metrics.task
            and versions.algorithm = metrics.algorithm
            and versions.version = metrics.version
            and metrics.is_primary
        qualify row_number() over (partition by versions.task order by versions.version desc) = 1
    ),

    newest as (
        select challengers.*, versions.feature_fingerprint
        from ml.challengers as challengers
        -- a refused training has no model
        left join ml.model_versions as versions
            using (task, algorithm, version)
    )

    select
        tasks.task,
        coalesce(champions.algorithm, 'none') as champion,
        champions.metric,
        case
            when newest.task is not null and newest.model_id is null
                then format('{:.4f} when trained', champions.mean)
            when champions.feature_fingerprint is distinct from newest.feature_fingerprint
                then format('{:.4f} held out', newest.champion_holdout)
            when champions.has_few_groups then format('{:.4f}', champions.mean)
            else format('{:.4f} ± {:.4f}', champions.mean, champions.standard_error)
        end as value,
        case
            when
                champions.feature_fingerprint = newest.feature_fingerprint
                or (newest.task is not null and newest.model_id is null)
                then format('{:.4f}', champions.baseline_mean)
            else format('{:.4f}', newest.baseline_holdout)
        end as baseline,
        case
            when champions.origin = 'registered'
                then coalesce(board.verdict, 'a registered model: see `hitparade evaluate`')
            when newest.task is not null and newest.model_id is null then newest.reason
            else coalesce(board.verdict, newest.reason, 'no rows to train on')
        end as verdict
    from (select unnest(?) as task) as tasks
    left join champions on tasks.task = champions.task
    left join newest on tasks.task = newest.task
    left join rpt_model_leaderboard as board
        on champions.task = board.task and champions.model_id = board.model_id
    order by tasks.task
"""
SOURCES = """
    select source, status, file, encoding, row_count as rows, quarantined
    from rpt_sources
    order by source
"""
# A query to try for each task.
QUERIES = {name: str(task["example"]) for name, task in TABULAR.items()} | SPECIAL


# Sources of which many records could not be used.
REJECTED = """
    select
        source,
        format('{:.0f}%', 100 * quarantined_share) as share,
        most_broken_rule as rule,
        rejection_example as example
    from rpt_sources
    where quarantine_level in ('many', 'all')
    order by source
"""
# Tracks with genres that count as none.
UNKNOWN_GENRES = """
    select task, format('{:.1f}%', 100 * track_share) as share, most_frequent
    from rpt_unknown_genres
    order by task
"""
NOTES = "select source, notes from rpt_sources where notes is not null order by source"


# Files that are named; of more their number is said.
MOST = 10


def show_unused(console: Console) -> None:
    """Print which files in the folder of the raw files are not used, and what to do."""
    sentences = unused()
    if sentences:
        console.print(f"\nNot used in {short(raw_folder())}:", markup=False, soft_wrap=True)
    for sentence in sentences[:MOST]:
        console.print(f"  {sentence}", markup=False, highlight=False, soft_wrap=True)
    if len(sentences) > MOST:
        console.print(f"  and {len(sentences) - MOST} more: see `hitparade doctor`")


def show(console: Console, database: Path) -> None:
    """Print sources, champions and a query to try."""
    with opened(database) as connection:
        sources = rows_of(connection.execute(SOURCES))
        notes = rows_of(connection.execute(NOTES))
        rejected = rows_of(connection.execute(REJECTED))
        unknown_genres = rows_of(connection.execute(UNKNOWN_GENRES))
        others = "select task from ml.champions where not list_contains(?, task) order by task"
        tasks = [
            *QUERIES,
            *(task for (task,) in connection.execute(others, [list(QUERIES)]).fetchall()),
        ]
        champions = rows_of(connection.execute(CHAMPIONS, [tasks]))
    show_rows("Sources", sources, console)
    for row in notes:
        console.print(f"{row['source']}: {row['notes']}", markup=False, soft_wrap=True)
    for row in rejected:
        console.print(
            f"{row['source']}: {row['share']} of the records are in quarantine, most of them by "
            f"the rule {row['rule']}, such as: {row['example']}",
            style="yellow",
            markup=False,
            soft_wrap=True,
        )
    if any(source["status"] == "real" and source["quarantined"] for source in sources):
        query = "select file, path, line_number, reason from staging.quarantine"
        console.print(f"Records that could not be used, and why: {query}\n", soft_wrap=True)
    show_rows("Champions", champions, console, apart="verdict")
    for row in unknown_genres:
        console.print(
            f"{row['task']}: {row['share']} of the tracks have genres that the champion does not "
            f"know, and that count as none, such as {row['most_frequent']}",
            markup=False,
            soft_wrap=True,
        )
    for champion in champions:
        if champion["champion"] != "none" and champion["task"] in QUERIES:
            console.print("Try, after `source .venv/bin/activate`:")
            query = QUERIES[champion["task"]]
            console.print(f'  dbt show --inline "{query}"', soft_wrap=True, highlight=False)
            return
