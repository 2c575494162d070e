{{ config(schema='ml', materialized='view') }}

with used as (

    select model_id from {{ ref('champions') }}
    union all
    select model_id from {{ ref('previous_champions') }}
    union all
    select model_id from {{ source('ml', 'assignments') }}
    union all
    select model_id from {{ ref('stored_predictions') }}
    union all
    -- the newest of its algorithm with the inputs of the champion
    select model_id from {{ source('ml', 'served_models') }}
    where is_newest

),

versions as (

    select
        task,
        algorithm,
        version,
        model_id,
        origin,
        trained_at,
        onnx_bytes,
        row_number() over (
            partition by task, algorithm
            order by version desc nulls last
        ) - 1 as newer_versions
    from {{ ref('model_versions') }}
    where pruned_at is null

)

-- a join, because `not in` returns no rows if a stored prediction has no model
select versions.*
from versions
left join used
    on versions.model_id = used.model_id
where used.model_id is null and versions.newer_versions > 0
