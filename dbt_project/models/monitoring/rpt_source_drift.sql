{{ config(materialized='table') }}

{#- What the champions were trained on that the rule replaced within the time of two builds: the first of each
    task, for rows that were mended since are as it knew them. Not where the source was of another kind in the
    build before: that real files are not as the sample was, is no news. See decision 0019. -#}
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
            promotions.promoted_at,
            promotions.model_id_before as model_id,
            case
                when promotions.task in ('log_streams', 'log_streams_context') then 'chart_songs'
                else 'tracks'
            end as source,
            versions.feature_fingerprint as reference
        from promotions
        inner join {{ ref('model_versions') }} as versions
            on promotions.task = versions.task and promotions.model_id_before = versions.model_id
        where
            not promotions.is_manual
            and datediff('second', promotions.promoted_at, {{ utc_now() }})
            < 2 * 3600 * {{ var('build_every_hours') }}
        qualify
            row_number() over (
                partition by promotions.task, promotions.promoted_at order by versions.version desc
            ) = 1

    ),

    runs as (

        select
            source,
            status,
            started_at,
            -- the present run is not in the table yet
            lead(
                started_at,
                1,
                cast('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S.%f") }}' as timestamp)
            ) over (partition by source order by started_at) as next_started_at
        from {{ source('ml', 'run_sources') }}

    ),

    earlier as (

        select
            replaced.task,
            replaced.promoted_at,
            runs.status
        from replaced
        inner join runs
            on replaced.source = runs.source and replaced.promoted_at >= runs.next_started_at
        qualify
            row_number() over (
                partition by replaced.task, replaced.promoted_at order by runs.started_at desc
            ) = 1

    )

    select
        replaced.task,
        replaced.model_id,
        replaced.reference
    from replaced
    inner join {{ ref('rpt_sources') }} as present
        on replaced.source = present.source
    left join earlier
        on replaced.task = earlier.task and replaced.promoted_at = earlier.promoted_at
    where coalesce(earlier.status, present.status) = present.status
    qualify row_number() over (partition by replaced.task order by replaced.promoted_at asc) = 1
{%- endset -%}

{{ drift('feature', references) }}
