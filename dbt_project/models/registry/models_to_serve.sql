with models as (

    select
        registry.model_id,
        registry.task,
        registry.algorithm,
        registry.version,
        registry.origin,
        {{ fits_functions('registry.task', 'registry.inputs') }} as fits,
        champions.model_id is not null as is_champion,
        registry.model_id in (select model_id from {{ source('ml', 'assignments') }}) as is_assigned,
        array_to_string({{ input_names('registry.inputs') }}, ', ') as input_names
    from {{ ref('registry') }} as registry
    left join {{ ref('champions') }} as champions
        on registry.task = champions.task and registry.model_id = champions.model_id
    where registry.pruned_at is null

),

-- Functions encode a song for the champion, so other models must have the same inputs and genres.
comparable as (

    select
        *,
        fits and input_names = coalesce(
            max(case when is_champion then input_names end) over (partition by task), input_names
        ) as is_comparable
    from models

),

served as (

    select
        *,
        is_comparable and version = max(case when is_comparable then version end) over (
            partition by task, algorithm
        ) as is_newest,
        version = max(version) over (partition by task, algorithm) as is_last_version
    from comparable
    -- A model with the same bytes may have several versions.
    qualify
        (is_assigned or origin = 'registered' or is_newest or (fits and (is_last_version or is_champion)))
        and row_number() over (
            partition by task, algorithm, model_id
            order by version desc nulls last
        ) = 1

)

select
    served.model_id,
    served.task,
    served.algorithm,
    served.is_newest,
    registry.inputs,
    {{ sql_backend_columns('registry.portable') }}
from served
inner join {{ ref('registry') }} as registry
    on
        served.task = registry.task
        and served.algorithm = registry.algorithm
        and served.version = registry.version
        and served.origin = registry.origin
