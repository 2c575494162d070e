"""The queries of `hitparade models` and `hitparade show`."""

import duckdb

from hitparade.warehouse import WarehouseError, rows_of

MODELS = """
    select
        versions.task,
        versions.algorithm,
        versions.version,
        versions.model_id,
        case
            when champions.model_id is not null and champions.is_pinned then 'champion, pinned'
            when champions.model_id is not null then 'champion'
            when traffic.model_id is not null then format('{:g} of the traffic', traffic.share)
            when versions.pruned_at is not null then 'pruned'
            when versions.origin = 'registered' then 'registered'
            else ''
        end as status,
        coalesce(metrics.metric, '') as metric,
        coalesce(format('{:.4f} ± {:.4f}', metrics.mean, metrics.standard_error), '') as value,
        coalesce(format('{:.4f}', metrics.baseline_mean), '') as baseline,
        coalesce(served.kind, case when served.model_id is null then '' else 'runtime only' end)
            as served,
        versions.onnx_bytes as bytes,
        strftime(versions.trained_at, '%Y-%m-%d %H:%M') as trained
    from ml.model_versions as versions
    left join ml.champions as champions
        on versions.task = champions.task and versions.model_id = champions.model_id
    left join ml.traffic as traffic
        on versions.task = traffic.task and versions.model_id = traffic.model_id
    left join ml.model_metrics as metrics
        on
            versions.task = metrics.task
            and versions.algorithm = metrics.algorithm
            and versions.version = metrics.version
            and metrics.is_primary
    left join ml.served_models as served
        on
            versions.task = served.task
            and versions.algorithm = served.algorithm
            and versions.model_id = served.model_id
    where $task is null or versions.task = $task
    order by versions.task, versions.algorithm, versions.version
"""
FACTS = """
    select * exclude (inputs, config, library_versions)
    from ml.model_versions
    where model_id = ?
    order by version desc
    limit 1
"""
INPUTS = """
    select input.name, input.minimum, input.maximum, importance.importance
    from (
        select
            task,
            algorithm,
            version,
            unnest(inputs) as input,
            generate_subscripts(inputs, 1) as place
        from (from ml.model_versions where model_id = ? order by version desc limit 1)
    ) as versions
    left join ml.feature_importance as importance
        on
            versions.task = importance.task
            and versions.algorithm = importance.algorithm
            and versions.version = importance.version
            and importance.feature = input.name
    order by versions.place
"""
METRICS = """
    select metric, mean, standard_error, baseline_mean as baseline, holdout, ceiling
    from ml.model_metrics
    where model_id = ?
    qualify version = max(version) over ()
    order by is_primary desc, metric
"""
# The same model may have been trained several times, or belong to several tasks.
VERSIONS = """
    select task, algorithm, version, origin, trained_at
    from ml.model_versions
    where model_id = ?
    order by trained_at
"""
CHAMPIONS = "select task, model_id from ml.champions order by task"
PROMOTIONS = """
    select task, promoted_at, reason, is_manual, is_pinned
    from ml.promotions
    where model_id = ?
    order by promoted_at
"""


def show(connection: duckdb.DuckDBPyConnection, name: str) -> dict[str, list[dict]]:
    """Return the facts on a model, or on the champion of a task, as tables by title.

    Raises:
        WarehouseError: the name is neither a model of the registry nor a task with a champion.
    """
    champions = dict(connection.execute(CHAMPIONS).fetchall())
    model_id = champions.get(name, name)
    facts = rows_of(connection.execute(FACTS, [model_id]))
    if not facts:
        raise WarehouseError(
            f"{name} is neither a model of the registry nor a task with a champion. Tasks with a "
            f"champion: {', '.join(champions) or 'none'}. For the models see `hitparade models`"
        )
    known = [{"": name, "model": value} for name, value in facts[0].items() if value is not None]
    queries = {
        "Registry entries": VERSIONS,
        "Metrics": METRICS,
        "Inputs, in order": INPUTS,
        "Promotions": PROMOTIONS,
    }
    return {f"Model {model_id}": known} | {
        title: rows_of(connection.execute(query, [model_id])) for title, query in queries.items()
    }
