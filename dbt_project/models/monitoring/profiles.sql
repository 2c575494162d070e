{{
    config(
        schema='ml',
        materialized='incremental',
        incremental_strategy='append',
        full_refresh=false,
        on_schema_change='fail',
    )
}}

-- Only profiles that the table lacks: of training data, and of a champion's first predictions. The training
-- data of a registered model is not among the present rows.
with known_values as (

    select *
    from {{ ref('observed_values') }}
    where reference is not null
    {%- if has_sql_backend() %}
    union all
    select *
    from {{ ref('example_values') }}
    {%- endif %}

),

pending as (

    select observed.*
    from known_values as observed
    {%- if is_incremental() %}
        left join (select distinct kind, task, reference from {{ this }}) as known
            on
                observed.kind = known.kind
                and observed.task = known.task
                and observed.reference = known.reference
    where known.kind is null
    {%- endif %}

),

quantiles as (

    select
        kind,
        task,
        reference,
        name,
        count(distinct value) as different_values,
        {%- for tenth in range(1, 10) %}
        percentile_cont({{ tenth / 10 }}) within group (order by value asc nulls last) as q{{ tenth }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from pending
    where value is not null
    group by kind, task, reference, name

),

tenths as (

    {%- for tenth in range(1, 10) %}
    select
        kind,
        task,
        reference,
        name,
        q{{ tenth }} as low
    from quantiles
    where different_values > 10
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}

),

-- Each bin has a tenth of the rows. A value that more than a tenth of them share has its own bin, so that a
-- shift to either side is detected.
edges as (

    select
        kind,
        task,
        reference,
        name,
        low
    from tenths
    group by kind, task, reference, name, low
    union all
    select
        kind,
        task,
        reference,
        name,
        low + 0.000000001 * greatest(abs(low), 1) as low
    from tenths
    group by kind, task, reference, name, low
    having count(*) > 1
    union all
    select
        kind,
        task,
        reference,
        name,
        cast(null as double) as low
    from quantiles
    where different_values > 10

),

bins as (

    select
        *,
        row_number() over (partition by kind, task, reference, name order by low asc nulls first) as bin,
        lead(low) over (partition by kind, task, reference, name order by low asc nulls first) as high
    from edges

),

-- A feature with few distinct values has a label for each. Any other value is then a new label.
labels as (

    select
        pending.kind,
        pending.task,
        pending.reference,
        pending.name,
        coalesce(pending.label, cast(pending.value as varchar)) as label
    from pending
    left join quantiles
        on
            pending.kind = quantiles.kind
            and pending.task = quantiles.task
            and pending.reference = quantiles.reference
            and pending.name = quantiles.name
    where pending.label is not null or (quantiles.different_values <= 10 and pending.value is not null)

)

select
    bins.kind,
    bins.task,
    bins.reference,
    bins.name,
    bins.bin,
    bins.low,
    bins.high,
    cast(null as varchar) as label,
    count(pending.value) as row_count,
    {{ utc_now() }} as profiled_at
from bins
left join pending
    on
        bins.kind = pending.kind
        and bins.task = pending.task
        and bins.reference = pending.reference
        and bins.name = pending.name
        and (bins.low is null or bins.low <= pending.value)
        and (bins.high is null or bins.high > pending.value)
group by bins.kind, bins.task, bins.reference, bins.name, bins.bin, bins.low, bins.high
union all
select
    kind,
    task,
    reference,
    name,
    row_number() over (partition by kind, task, reference, name order by label asc nulls last) as bin,
    cast(null as double) as low,
    cast(null as double) as high,
    label,
    count(*) as row_count,
    {{ utc_now() }} as profiled_at
from labels
group by kind, task, reference, name, label
