{{ config(materialized='table') }}

{#- What the champions that this build replaced were trained on, where sources were of the same kind: that
    real files are not as the sample was, is no news. -#}
{% set references -%}
    with replaced as (

        select distinct
            previous.task,
            previous.model_id,
            versions.feature_fingerprint as reference,
            versions.trained_at
        from {{ ref('previous_champions') }} as previous
        inner join {{ ref('model_versions') }} as versions
            on previous.task = versions.task and previous.model_id = versions.model_id
        inner join {{ source('ml', 'promotions') }} as promotions
            on previous.task = promotions.task
        where
            not promotions.is_manual
            and promotions.promoted_at
            >= cast('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S.%f") }}' as timestamp)

    ),

    earlier as (

        select
            replaced.task,
            replaced.model_id,
            runs.source,
            runs.status
        from replaced
        inner join {{ source('ml', 'run_sources') }} as runs
            on replaced.trained_at >= runs.started_at
        qualify
            row_number() over (
                partition by replaced.task, replaced.model_id, runs.source order by runs.started_at desc
            ) = 1

    ),

    of_other_files as (

        select distinct
            earlier.task,
            earlier.model_id
        from earlier
        inner join {{ ref('rpt_sources') }} as present
            on earlier.source = present.source and earlier.status <> present.status

    )

    select distinct
        replaced.task,
        replaced.model_id,
        replaced.reference
    from replaced
    left join of_other_files
        on replaced.task = of_other_files.task and replaced.model_id = of_other_files.model_id
    where of_other_files.task is null
{%- endset -%}

{{ drift('feature', references) }}
