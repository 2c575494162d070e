"""Invariants of a registry, which must hold even if the writing process was killed."""

from dataclasses import dataclass
from pathlib import Path

import duckdb

# Queries that must return nothing. `stored` has every model ever trained. A name after a sentence
# is a table: the query runs only if it exists.
INVARIANTS = {
    ("versions are consecutive", "stored"): """
        select task, algorithm, list(version order by version)
        from stored
        group by task, algorithm
        having list(version order by version) <> range(1, count(*) + 1)
    """,
    ("bytes are those that were stored", "stored"): """
        select task, model_id from stored where sha256(onnx) <> sha256
    """,
    ("a promotion names a model of its task", "promotions"): """
        select task, model_id
        from ml.promotions
        where model_id is not null and (task, model_id) not in (select task, model_id from stored)
    """,
    ("a task has one champion", "champions"): """
        select task from ml.champions group by task having count(*) > 1
    """,
    ("a champion is served as it is stored", "champions"): """
        select champions.task, champions.model_id
        from ml.champions as champions
        left join served on champions.model_id = served.model_id
        left join stored
            on
                champions.task = stored.task
                and champions.model_id = stored.model_id
                and stored.pruned_at is null
        where stored.onnx is null or served.portable is distinct from stored.portable
    """,
    ("what has a share of the traffic is served", "assignments"): """
        select task, model_id
        from ml.assignments
        where (task, model_id) not in (select task, model_id from ml.served_models)
    """,
    ("a prediction names a model of the registry", "fct_track_predictions"): """
        select distinct model_id
        from (unpivot fct_track_predictions on columns('.*_model_id') into name task value model_id)
        where model_id not in (select model_id from stored)
    """,
    ("a prediction names a model of the registry", "fct_song_predictions"): """
        select distinct model_id
        from (unpivot fct_song_predictions on columns('.*_model_id') into name task value model_id)
        where model_id not in (select model_id from stored)
    """,
}
SERVED = """
    create temp view served as
    select
        model_id,
        -- a model without the portable form has none of its columns
        case
            when kind is not null then struct_pack(
                kind, transform, layers, intercepts, depth, roots, features, thresholds, "next",
                leaves
            )
        end as portable
    from ml.served_models
"""


@dataclass(frozen=True)
class History:
    """Append-only records: (task, algorithm, version, model_id, sha256), and promotions."""

    models: frozenset[tuple] = frozenset()
    promotions: frozenset[tuple] = frozenset()


def checked(database: Path, earlier: History) -> History:
    """Return the history of a file; assert that it opens, is consistent and has lost nothing.

    A file that does not exist yet has no history.
    """
    if not database.exists():
        found = History()
    else:
        with duckdb.connect(database, read_only=True) as connection:
            found = _history(connection)
    assert earlier.models <= found.models, "a model is lost"
    assert earlier.promotions <= found.promotions, "a promotion is lost"
    return found


def _history(connection: duckdb.DuckDBPyConnection) -> History:
    present = _tables(connection)
    if "registered_models" not in present:
        return History()
    tables = [name for name in present if name.startswith("train_")] + ["registered_models"]
    models = " union all by name ".join(f"select * from ml.{name}" for name in tables)
    connection.execute(f"create temp view stored as {models}")
    connection.execute(SERVED)
    for (sentence, table), query in INVARIANTS.items():
        if table in present | {"stored"}:
            assert connection.execute(query).fetchall() == [], sentence
    models, promotions = (
        frozenset(connection.execute(query).fetchall())
        for query in (
            "select task, algorithm, version, model_id, sha256 from stored",
            "from ml.promotions",
        )
    )
    return History(models, promotions)


def _tables(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Tables and views of the registry and predictions, without those that dbt will drop."""
    found = connection.execute(
        "select table_name from information_schema.tables "
        "where table_schema in ('ml', 'main') and not contains(table_name, '__dbt_')"
    )
    return {name for (name,) in found.fetchall()}
