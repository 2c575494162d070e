{{ config(materialized='table') }}

{#- A run that goes on where another failed, or builds a part, is of the build that read the sources. -#}
{%- set began = (
    "cast('" ~ run_started_at.strftime("%Y-%m-%d %H:%M:%S.%f") ~ "' as timestamp)"
    if 'model.' ~ project_name ~ '.rpt_sources' in selected_resources
    else '(select max(runs.started_at) from ' ~ source('ml', 'run_sources') ~ ' as runs)'
) -%}

{#- What the champions that the build replaced by rule were trained on, where the source was of the same kind:
    that real files are not as the sample was, is no news. -#}
{% set references -%}
    with promotions as (

        select
            task,
            promoted_at,
            is_manual,
            lag(model_id) over (partition by task order by promoted_at) as model_id_before
        from {{ source('ml', 'promotions') }}

    ),

    replaced as (

        select
            promotions.task,
            promotions.model_id_before as model_id,
            case
                when promotions.task in ('log_streams', 'log_streams_context') then 'chart_songs'
                else 'tracks'
            end as source,
            versions.feature_fingerprint as reference,
            versions.trained_at
        from promotions
        inner join {{ ref('model_versions') }} as versions
            on promotions.task = versions.task and promotions.model_id_before = versions.model_id
        where not promotions.is_manual and promotions.promoted_at >= {{ began }}
        qualify
            row_number() over (
                partition by promotions.task order by promotions.promoted_at asc, versions.version desc
            ) = 1

    ),

    earlier as (

        select
            replaced.task,
            runs.status
        from replaced
        inner join {{ source('ml', 'run_sources') }} as runs
            on replaced.source = runs.source and replaced.trained_at >= runs.started_at
        qualify row_number() over (partition by replaced.task order by runs.started_at desc) = 1

    )

    select
        replaced.task,
        replaced.model_id,
        replaced.reference
    from replaced
    inner join {{ ref('rpt_sources') }} as present
        on replaced.source = present.source
    left join earlier
        on replaced.task = earlier.task
    where coalesce(earlier.status, present.status) = present.status
{%- endset -%}

{{ drift('feature', references) }}
