{{ config(materialized='table') }}

{#- The training data of champions that the rule replaced within the time of two builds. Only the first of
    each task counts, because repaired rows match its training data again. Tasks whose source changed from sample
    to real files are left out, because such a difference is expected. See decision 0019. -#}
{% set references -%}
    select
        replaced.task,
        replaced.model_id,
        replaced.origin,
        replaced.feature_fingerprint as reference
    from {{ ref('replaced_champions') }} as replaced
    inner join {{ ref('rpt_sources') }} as present
        on replaced.source = present.source
    where
        coalesce(replaced.status_before, present.status) = present.status
        and datediff('second', replaced.promoted_at, {{ utc_now() }})
        < 2 * 3600 * {{ var('build_every_hours') }}
    qualify row_number() over (partition by replaced.task order by replaced.promoted_at asc nulls last) = 1
{%- endset -%}

{{ drift('feature', references) }}
