{{ config(post_hook="{{ promote_challengers() }}") }}

with scored as (

    select
        versions.*,
        metrics.mean,
        metrics.baseline_mean,
        metrics.holdout,
        case when metrics.higher_is_better then 1 else -1 end as sign
    from {{ ref('model_versions') }} as versions
    inner join {{ ref('model_metrics') }} as metrics
        on
            versions.task = metrics.task
            and versions.algorithm = metrics.algorithm
            and versions.version = metrics.version
    where metrics.is_primary

),

newest_run as (

    select *
    from scored
    qualify trained_at = max(trained_at) over (partition by task)

),

best as (

    select *
    from newest_run
    qualify row_number() over (partition by task order by sign * mean desc, algorithm) = 1

),

-- The champion on the same held-out rows: it is in this run, or this run rescored it.
compared as (

    select
        best.*,
        champions.model_id as champion_model_id,
        coalesce(champions.is_pinned, false) as is_pinned,
        case
            when same_run.model_id is not null then same_run.holdout
            when best.incumbent_model_id = champions.model_id then best.incumbent_holdout
        end as champion_holdout
    from best
    left join {{ ref('champions') }} as champions
        on best.task = champions.task
    left join newest_run as same_run
        on best.task = same_run.task and champions.model_id = same_run.model_id

)

select
    task,
    model_id,
    algorithm,
    version,
    mean,
    baseline_mean,
    holdout,
    champion_model_id,
    champion_holdout,
    case
        when champion_model_id = model_id then 'keep'
        when is_pinned then 'keep'
        when sign * (mean - baseline_mean) <= 0 then 'refuse'
        when champion_model_id is null then 'promote'
        when champion_holdout is null then 'promote'
        when sign * (holdout - champion_holdout) > 0 then 'promote'
        else 'refuse'
    end as decision,
    case
        when champion_model_id = model_id then 'is the champion'
        when is_pinned then 'the task is pinned to a champion chosen by hand'
        when sign * (mean - baseline_mean) <= 0 then 'not better than the baseline'
        when champion_model_id is null then 'first champion, better than the baseline'
        when champion_holdout is null then 'the newest run did not meet the champion'
        when sign * (holdout - champion_holdout) > 0 then 'better than the champion on held-out rows'
        else 'not better than the champion on held-out rows'
    end as reason
from compared
