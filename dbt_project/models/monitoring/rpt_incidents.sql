-- Problems that raise no dbt error, found from ml.runs and ml.run_sources.
with results as (

    select *
    from {{ source('ml', 'runs') }}
    where command in ('build', 'follow') and status <> 'skipped'

),

newest_whole_build as (

    select max(started_at) as started_at
    from {{ ref('whole_builds') }}

),

newest_results as (

    select *
    from results
    qualify row_number() over (partition by node order by started_at desc nulls last) = 1

),

-- A failure is an incident until its node or a complete build succeeds.
failures as (

    select
        newest_results.run_id,
        newest_results.started_at,
        newest_results.node,
        newest_results.message,
        count(*) over (partition by newest_results.run_id) as node_count
    from newest_results
    cross join newest_whole_build
    where
        newest_results.status in ('error', 'fail')
        and (
            newest_whole_build.started_at is null
            or newest_results.started_at > newest_whole_build.started_at
        )
    qualify row_number() over (
        order by newest_results.started_at desc nulls last, newest_results.node asc nulls last
    ) = 1

),

changes as (

    select
        source,
        started_at,
        fingerprint,
        lag(fingerprint) over (partition by source order by started_at asc nulls last) as fingerprint_before
    from {{ source('ml', 'run_sources') }}
    where status = 'real'

),

rhythm as (

    select
        source,
        started_at,
        datediff(
            'second',
            lag(started_at) over (
                partition by source
                order by started_at asc nulls last
            ), started_at
        ) as seconds
    from changes
    where fingerprint is distinct from fingerprint_before

),

stale as (

    select
        source,
        max(started_at) as changed_at,
        median(seconds) as usual_seconds
    from rhythm
    group by source
    having count(seconds) >= 3

),

newest_promotions as (

    select *
    from {{ source('ml', 'promotions') }}
    qualify row_number() over (partition by task order by promoted_at desc nulls last) = 1

),

-- Without tasks whose source changed from sample to real files: the sample is no reference for real files.
lost as (

    select
        newest_promotions.task,
        newest_promotions.promoted_at,
        newest_promotions.reason
    from newest_promotions
    inner join {{ ref('replaced_champions') }} as replaced
        on newest_promotions.task = replaced.task and newest_promotions.promoted_at = replaced.promoted_at
    inner join {{ ref('rpt_sources') }} as present
        on replaced.source = present.source
    where
        newest_promotions.model_id is null
        and coalesce(replaced.status_before, present.status) = present.status

),

-- The input of each task that drifted most.
shifted as (

    select
        task,
        model_id,
        feature,
        psi,
        count(*) over (partition by task) as feature_count
    from {{ ref('rpt_source_drift') }}
    where level <> 'none'
    qualify row_number() over (partition by task order by psi desc nulls last, feature asc nulls last) = 1

),

-- The champion's score on the current rows: its mean over folds if it was trained on them, else its value on
-- the held-out rows.
champions as (

    select
        champions.task,
        metrics.metric,
        case when metrics.higher_is_better then 1 else -1 end as sign,
        case
            when versions.feature_fingerprint = newest.feature_fingerprint then metrics.mean
            else challengers.champion_holdout
        end as value,
        case
            when versions.feature_fingerprint = newest.feature_fingerprint then metrics.baseline_mean
            else challengers.baseline_holdout
        end as baseline
    from {{ ref('champions') }} as champions
    inner join {{ ref('model_versions') }} as versions
        on champions.task = versions.task and champions.model_id = versions.model_id
    inner join {{ ref('model_metrics') }} as metrics
        on
            versions.task = metrics.task
            and versions.algorithm = metrics.algorithm
            and versions.version = metrics.version
    inner join {{ ref('challengers') }} as challengers
        on champions.task = challengers.task
    inner join {{ ref('model_versions') }} as newest
        on
            challengers.task = newest.task
            and challengers.algorithm = newest.algorithm
            and challengers.version = newest.version
    where metrics.is_primary
    qualify row_number() over (partition by champions.task order by versions.version desc nulls last) = 1

)

select
    'late_build' as check_name,
    'dbt build' as subject,
    started_at as since,
    'no build succeeded for ' || {{ hours_since('started_at') }}
    || ' hours, and build_every_hours is {{ var("build_every_hours") }}: '
    || 'check that the scheduler runs' as message
from newest_whole_build
where datediff('second', started_at, {{ utc_now() }}) > 3600 * {{ var('build_every_hours') }}
union all
select
    'failed_build' as check_name,
    'run ' || run_id as subject,
    started_at as since,
    case node when 'publish' then 'the build' when 'follow' then 'a batch of hitparade follow' else node end
    || ' failed'
    || case when node_count > 1 then ', and ' || (node_count - 1) || ' more,' else '' end
    || ' and has not succeeded since: '
    || coalesce(message, 'without a message')
    || '; fix it and run `hitparade build`, see docs/operations.md' as message
from failures
union all
select
    'stale_source' as check_name,
    source as subject,
    changed_at as since,
    'source ' || source || ' has not changed for '
    || {{ hours_since('changed_at') }} || ' hours, and usually changes every '
    || round(usual_seconds / 3600, 1) || ': check its publisher' as message
from stale
where
    datediff('second', changed_at, {{ utc_now() }})
    > greatest(3 * usual_seconds, 3600 * {{ var('build_every_hours') }}) -- sources are only read by builds
union all
select
    check_name,
    subject,
    started_at as since,
    case check_name
        when 'row_count'
            then
                subject || ' has ' || cast(value as bigint) || ' rows, and usually '
                || cast(round(usual) as bigint)
        else
            round(100 * value, 1) || '% of the records of source ' || subject || ' are in quarantine, '
            || coalesce(
                'and usually ' || round(100 * usual, 1) || '%', 'and 10% is the limit of a new source'
            )
    end
    || case check_name
        when 'row_count' then ': check the file of its source, and see ml.runs'
        else ': see select rule, reason from staging.quarantine'
    end as message
from {{ ref('unusual_amounts') }}
union all
select
    'feature_drift' as check_name,
    task || '.' || feature as subject,
    cast(null as timestamp) as since,
    'feature ' || feature || ' of task ' || task || ' has drifted from the champion''s training data: PSI '
    || round(psi, 2) || ', see rpt_feature_drift, and check what changed in the source' as message
from {{ ref('rpt_feature_drift') }}
where level <> 'none'
union all
select
    'source_drift' as check_name,
    task || ' after ' || model_id as subject,
    cast(null as timestamp) as since,
    'the champion of task ' || task || ' was replaced, and the rows have drifted from its training data: '
    || feature || ' with PSI ' || round(psi, 2)
    || case when feature_count > 1 then ' and ' || (feature_count - 1) || ' more' else '' end
    || ', see rpt_source_drift; if the source is wrong, fix it and run `hitparade build`' as message
from shifted
union all
select
    'prediction_drift' as check_name,
    task as subject,
    cast(null as timestamp) as since,
    'predictions of task ' || task || ' have drifted from the champion''s first ones: PSI ' || round(psi, 2)
    || ', see rpt_prediction_drift and rpt_feature_drift' as message
from {{ ref('rpt_prediction_drift') }}
where level <> 'none'
union all
select
    'no_champion' as check_name,
    task as subject,
    promoted_at as since,
    'task ' || task || ' has lost its champion, and its functions fail: ' || reason
    || '; see rpt_model_leaderboard, and check what changed in the source' as message
from lost
union all
select
    'refused_training' as check_name,
    refused.task as subject,
    refused.refused_at as since,
    'task ' || refused.task
    || ' keeps a champion that was trained on earlier rows, because the last training was refused: '
    || refused.reason as message
from {{ ref('refused_trainings') }} as refused
inner join {{ ref('champions') }} as champions
    on refused.task = champions.task
union all
select
    'weak_champion' as check_name,
    task as subject,
    cast(null as timestamp) as since,
    'the champion of task ' || task || ' is no better than the baseline: ' || metric || ' '
    || round(value, 4) || ' against ' || round(baseline, 4)
    || ', promote another model, or run `hitparade unpin ' || task || '`' as message
from champions
where sign * (value - baseline) <= 0
