{{
    config(
        schema='ml',
        materialized='incremental',
        incremental_strategy='append',
        full_refresh=false,
        on_schema_change='fail',
    )
}}

-- Only what is new to the table: the rows that models were trained on, and the first answers of a champion.
with pending as (

    select observed.*
    from {{ ref('observed_values') }} as observed
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
        percentile_cont({{ tenth / 10 }}) within group (order by value) as q{{ tenth }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from pending
    where value is not null
    group by kind, task, reference, name

),

-- Few different values have a bin each; of more, a tenth of the rows has one.
edges as (

    select distinct
        pending.kind,
        pending.task,
        pending.reference,
        pending.name,
        pending.value as low
    from pending
    inner join quantiles
        on
            pending.kind = quantiles.kind
            and pending.task = quantiles.task
            and pending.reference = quantiles.reference
            and pending.name = quantiles.name
    where quantiles.different_values <= 10 and pending.value is not null
    {%- for tenth in range(1, 10) %}
    union
    select
        kind,
        task,
        reference,
        name,
        q{{ tenth }} as low
    from quantiles
    where different_values > 10
    {%- endfor %}
    union
    select
        kind,
        task,
        reference,
        name,
        cast(null as double) as low
    from quantiles

),

bins as (

    select
        *,
        row_number() over (partition by kind, task, reference, name order by low nulls first) as bin,
        lead(low) over (partition by kind, task, reference, name order by low nulls first) as high
    from edges

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
    row_number() over (partition by kind, task, reference, name order by label) as bin,
    cast(null as double) as low,
    cast(null as double) as high,
    label,
    count(*) as row_count,
    {{ utc_now() }} as profiled_at
from pending
where label is not null
group by kind, task, reference, name, label
