with compared as (

    select
        entity,
        feature,
        avg(case when is_top_100 then value end) as top_100_mean,
        avg(value) as all_mean,
        stddev_samp(value) as all_sd,
        count(case when is_top_100 then 1 end) as top_100_rows,
        count(*) as all_rows
    from {{ ref('int_feature_values') }}
    where not is_label
    group by entity, feature

)

select
    entity,
    feature,
    top_100_mean,
    all_mean,
    all_sd,
    top_100_mean - all_mean as difference,
    (top_100_mean - all_mean) / nullif(all_sd, 0) as difference_in_sd,
    top_100_rows,
    all_rows
from compared
