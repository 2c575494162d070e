{{ config(post_hook=["{{ promote_challengers() }}", "{{ renew_functions() }}"]) }}

-- depends_on: {{ ref('models_to_serve') }}
-- The bytes of served models must exist, because ONNX Runtime loads them when a connection opens.
-- depends_on: {{ ref('model_artifacts') }}
with scored as (

    select
        versions.*,
        metrics.mean,
        metrics.baseline_mean,
        metrics.holdout,
        metrics.baseline_holdout,
        case when metrics.higher_is_better then 1 else -1 end as sign
    from {{ ref('model_versions') }} as versions
    inner join {{ ref('model_metrics') }} as metrics
        on
            versions.task = metrics.task
            and versions.algorithm = metrics.algorithm
            and versions.version = metrics.version
    -- A registered model is evaluated on other rows.
    where metrics.is_primary and versions.origin = 'trained'

),

newest as (

    select
        *,
        first_value(feature_fingerprint || definition) over (
            partition by task order by trained_at desc nulls last
        ) as newest_rows
    from scored
    qualify version = max(version) over (partition by task, algorithm)

),

-- The newest model of each algorithm that was trained on the same rows.
candidates as (

    select *
    from newest
    where feature_fingerprint || definition = newest_rows

),

best as (

    select *
    from candidates
    qualify row_number() over (
        partition by task
        order by sign * mean desc nulls last, algorithm asc nulls last
    ) = 1

),

-- A model with the same bytes may have several versions.
champions as (

    select
        champions.task,
        champions.model_id,
        champions.is_pinned,
        versions.definition,
        versions.origin,
        {{ fits_functions('champions.task', 'versions.inputs') }} as fits
    from {{ ref('champions') }} as champions
    left join {{ ref('model_versions') }} as versions
        on champions.task = versions.task and champions.model_id = versions.model_id
    qualify row_number() over (partition by champions.task order by versions.version desc nulls last) = 1

),

-- The champion's score on the same held-out rows: it is a candidate itself, or training rescored it.
met as (

    select
        candidates.task,
        champions.model_id,
        max(
            case
                when candidates.model_id = champions.model_id then candidates.holdout
                when candidates.incumbent_model_id = champions.model_id then candidates.incumbent_holdout
            end
        ) as holdout
    from candidates
    inner join champions
        on candidates.task = champions.task
    group by candidates.task, champions.model_id

),

compared as (

    select
        best.*,
        champions.model_id as champion_model_id,
        met.holdout as champion_holdout,
        best.sign * (best.mean - best.baseline_mean) > 0 as beats_baseline,
        coalesce(champions.is_pinned and champions.fits, false) as is_kept_by_hand,
        coalesce(champions.fits and champions.origin = 'registered', false) as is_from_outside,
        coalesce(champions.fits and champions.definition = best.definition, false) as is_comparable,
        best.sign * (met.holdout - best.baseline_holdout) <= 0 as is_champion_worse_than_baseline,
        best.sign * (best.holdout - met.holdout) > 0 as beats_champion
    from best
    left join champions
        on best.task = champions.task
    left join met
        on best.task = met.task

),

decided as (

    select
        *,
        case
            when champion_model_id = model_id then 'keep: is the champion'
            when is_kept_by_hand then 'keep: the task is pinned to a champion chosen by hand'
            when is_from_outside
                then 'keep: the champion is a registered model, and its training data is unknown'
            when champion_model_id is null and beats_baseline
                then 'promote: first champion, better than the baseline'
            when champion_model_id is null then 'refuse: not better than the baseline'
            when not is_comparable and beats_baseline
                then 'promote: the earlier champion has other inputs, label or split'
            when not is_comparable
                then 'retire: the champion has other inputs, label or split, and nothing beats the baseline'
            when champion_holdout is null
                then 'keep: the champion was not yet compared with these candidates'
            when is_champion_worse_than_baseline and beats_baseline
                then 'promote: the earlier champion is no better than the baseline'
            when is_champion_worse_than_baseline
                then 'retire: the champion is no better than the baseline, and neither is any other model'
            when not beats_baseline then 'refuse: not better than the baseline'
            when beats_champion then 'promote: better than the champion on held-out rows'
            else 'refuse: not better than the champion on held-out rows'
        end as verdict
    from compared

),

refused as (

    select
        refused.task,
        refused.reason,
        champions.model_id as champion_model_id
    from {{ ref('refused_trainings') }} as refused
    left join champions
        on refused.task = champions.task

)

select
    task,
    model_id,
    algorithm,
    version,
    mean,
    baseline_mean,
    holdout,
    baseline_holdout,
    champion_model_id,
    champion_holdout,
    split_part(verdict, ': ', 1) as decision,
    split_part(verdict, ': ', 2) as reason
from decided
where task not in (select task from refused)
union all
select
    task,
    cast(null as varchar) as model_id,
    cast(null as varchar) as algorithm,
    cast(null as integer) as version,
    cast(null as double) as mean,
    cast(null as double) as baseline_mean,
    cast(null as double) as holdout,
    cast(null as double) as baseline_holdout,
    champion_model_id,
    cast(null as double) as champion_holdout,
    'refuse' as decision,
    reason
from refused
