{{ config(schema='ml') }}

with builds as (

    select
        run_id,
        started_at
    from {{ source('ml', 'runs') }}
    where command = 'build' and status <> 'skipped'
    group by run_id, started_at
    having
        count(case when node = 'model.rpt_sources' and status = 'success' then 1 end) = 1
        and count(case when status in ('error', 'fail') then 1 end) = 0

),

readings as (

    select
        run_id,
        {{ joined_text("source || ' ' || status", ', ', 'source') }} as statuses
    from {{ source('ml', 'run_sources') }}
    group by run_id

)

select
    builds.run_id,
    builds.started_at,
    readings.statuses
from builds
inner join readings
    on builds.run_id = readings.run_id
