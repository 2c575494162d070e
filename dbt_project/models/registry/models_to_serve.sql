with served as (

    select
        registry.model_id,
        registry.task,
        registry.algorithm,
        registry.version,
        registry.origin,
        {{ fits_functions('registry.task', 'registry.inputs') }} as fits,
        registry.version = max(registry.version) over (
            partition by registry.task, registry.algorithm
        ) as is_last_version,
        champions.model_id is not null as is_champion,
        array_to_string({{ input_names('registry.inputs') }}, ', ') as input_names,
        max(case when champions.model_id is not null then input_names end) over (
            partition by registry.task
        ) as champion_input_names,
        registry.model_id in (select model_id from {{ source('ml', 'assignments') }}) as is_assigned
    from {{ ref('registry') }} as registry
    left join {{ ref('champions') }} as champions
        on registry.task = champions.task and registry.model_id = champions.model_id
    where registry.pruned_at is null
    -- A model with the same bytes may have several versions.
    qualify
        (
            is_assigned
            or registry.origin = 'registered'
            or (fits and (is_last_version or is_champion))
        )
        and row_number() over (
            partition by registry.task, registry.algorithm, registry.model_id
            order by registry.version desc nulls last
        ) = 1

)

select
    served.model_id,
    served.task,
    served.algorithm,
    -- Functions encode a song for the champion, so other models must have the same inputs, with the same genres.
    served.fits
    and served.is_last_version
    and served.input_names = coalesce(served.champion_input_names, served.input_names) as is_newest,
    registry.inputs,
    {{ sql_backend_columns('registry.portable') }}
from served
inner join {{ ref('registry') }} as registry
    on
        served.task = registry.task
        and served.algorithm = registry.algorithm
        and served.version = registry.version
        and served.origin = registry.origin
