{{ config(schema='ml') }}

-- depends_on: {{ ref('challengers') }}
-- Its tests and readers run after the promotion rule.
with promotions as (

    select
        task,
        promoted_at,
        is_manual,
        lag(model_id) over (partition by task order by promoted_at asc nulls last) as model_id_before
    from {{ source('ml', 'promotions') }}

),

-- A model with the same bytes may have several versions.
replaced as (

    select
        promotions.task,
        promotions.promoted_at,
        promotions.model_id_before as model_id,
        versions.origin,
        versions.feature_fingerprint,
        {{ source_of('promotions.task') }} as source
    from promotions
    left join {{ ref('model_versions') }} as versions
        on promotions.task = versions.task and promotions.model_id_before = versions.model_id
    where not promotions.is_manual and promotions.model_id_before is not null
    qualify
        row_number() over (
            partition by promotions.task, promotions.promoted_at order by versions.version desc nulls last
        ) = 1

),

-- The builds up to the replacement, newest first.
readings as (

    select
        replaced.task,
        replaced.promoted_at,
        sources.status,
        sources.run_id,
        row_number() over (
            partition by replaced.task, replaced.promoted_at order by sources.started_at desc nulls last
        ) as place
    from replaced
    inner join {{ source('ml', 'run_sources') }} as sources
        on replaced.source = sources.source and replaced.promoted_at >= sources.started_at

),

-- A failed build is repeated, so the previous complete build counts.
earlier as (

    select
        readings.task,
        readings.promoted_at,
        readings.status
    from readings
    inner join {{ ref('whole_builds') }} as whole_builds
        on readings.run_id = whole_builds.run_id
    where readings.place > 1
    qualify
        row_number() over (
            partition by readings.task, readings.promoted_at order by readings.place asc nulls last
        ) = 1

)

select
    replaced.task,
    replaced.promoted_at,
    replaced.model_id,
    replaced.origin,
    replaced.feature_fingerprint,
    replaced.source,
    earlier.status as status_before
from replaced
left join earlier
    on replaced.task = earlier.task and replaced.promoted_at = earlier.promoted_at
