{{ config(schema='ml') }}

-- The usual value is the median of 3 to 20 earlier complete builds whose sources had the same status. A
-- value is unusual if it is more than five median deviations away.
with newest_whole_build as (

    select
        started_at,
        statuses
    from {{ ref('whole_builds') }}
    qualify row_number() over (order by started_at desc nulls last) = 1

),

comparable_builds as (

    select
        whole_builds.run_id,
        whole_builds.started_at
    from {{ ref('whole_builds') }} as whole_builds
    inner join newest_whole_build
        on whole_builds.statuses = newest_whole_build.statuses

),

measured as (

    select
        'row_count' as check_name,
        runs.node as subject,
        comparable_builds.started_at,
        cast(runs.row_count as double) as value,
        0.2 as share,
        10 as margin
    from {{ source('ml', 'runs') }} as runs
    inner join comparable_builds
        on runs.run_id = comparable_builds.run_id
    where
        runs.row_count is not null
        and runs.layer in ('predictions', 'marts')
        and runs.node not like 'model.rpt%' -- the number of models sets their size
    union all
    select
        'row_count' as check_name,
        'source ' || sources.source as subject,
        comparable_builds.started_at,
        cast(sources.row_count as double) as value,
        0.2 as share,
        10 as margin
    from {{ source('ml', 'run_sources') }} as sources
    inner join comparable_builds
        on sources.run_id = comparable_builds.run_id
    union all
    select
        'quarantine' as check_name,
        sources.source as subject,
        comparable_builds.started_at,
        sources.quarantined_share as value,
        0 as share,
        0.01 as margin
    from {{ source('ml', 'run_sources') }} as sources
    inner join comparable_builds
        on sources.run_id = comparable_builds.run_id

),

placed as (

    select
        *,
        row_number() over (partition by check_name, subject order by started_at desc nulls last) as place
    from measured

),

history as (

    select
        check_name,
        subject,
        median(value) as usual
    from placed
    where place between 2 and 21
    group by check_name, subject
    having count(*) >= 3

),

spreads as (

    select
        history.check_name,
        history.subject,
        history.usual,
        median(abs(placed.value - history.usual)) as deviation
    from history
    inner join placed
        on history.check_name = placed.check_name and history.subject = placed.subject
    where placed.place between 2 and 21
    group by history.check_name, history.subject, history.usual

)

select
    placed.check_name,
    placed.subject,
    placed.started_at,
    placed.value,
    spreads.usual
from placed
inner join newest_whole_build
    on placed.started_at = newest_whole_build.started_at
left join spreads
    on placed.check_name = spreads.check_name and placed.subject = spreads.subject
where
    case placed.check_name
        when 'row_count' then abs(placed.value - spreads.usual)
        when 'quarantine' then placed.value - coalesce(spreads.usual, 0)
    end
    > case
        when spreads.usual is null then 0.1 -- DuckDB's greatest ignores NULL
        else greatest(placed.share * spreads.usual, placed.margin, 5 * spreads.deviation)
    end
