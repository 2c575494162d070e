with pairs as (

    select
        one.entity,
        one.feature,
        other.feature as other_feature,
        corr(one.value, other.value) as correlation,
        count(*) as row_count
    from {{ ref('int_feature_values') }} as one
    inner join {{ ref('int_feature_values') }} as other
        on one.entity = other.entity and one.id = other.id
    group by one.entity, one.feature, other.feature

)

select
    entity,
    feature,
    other_feature,
    case when {{ is_finite('correlation') }} then correlation end as correlation,
    row_count
from pairs
