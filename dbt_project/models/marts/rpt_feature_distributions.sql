{%- set bins = 20 %}

-- A boolean needs no bins.
with feature_values as (

    select *
    from {{ ref('int_feature_values') }}
    where not is_label and feature <> 'explicit'

),

ends as (

    select
        entity,
        feature,
        percentile_cont(0.005) within group (order by value asc nulls last) as lowest,
        percentile_cont(0.995) within group (order by value asc nulls last) as highest
    from feature_values
    group by entity, feature

),

widths as (

    select
        entity,
        feature,
        lowest,
        (highest - lowest) / {{ bins }} as width
    from ends

),

places as (

    {{ whole_numbers('bin', bins) }}

),

bins as (

    select
        widths.*,
        places.bin
    from widths
    cross join places

),

placed as (

    select
        feature_values.*,
        coalesce(floor((value - lowest) / nullif(width, 0)), 0) + 1 as place
    from feature_values
    inner join widths
        on feature_values.entity = widths.entity and feature_values.feature = widths.feature

)

select
    bins.entity,
    bins.feature,
    bins.bin,
    bins.lowest + (bins.bin - 1) * bins.width as low,
    bins.lowest + bins.bin * bins.width as high,
    count(placed.id) as row_count,
    count(case when placed.is_top_100 then 1 end) as top_100_rows
from bins
left join placed
    on
        bins.entity = placed.entity
        and bins.feature = placed.feature
        and bins.bin = least(greatest(placed.place, 1), {{ bins }})
group by bins.entity, bins.feature, bins.bin, bins.lowest, bins.width
