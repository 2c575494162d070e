select
    * exclude (content, rule, reason) replace (
        -- The publisher writes 0 for an unknown value.
        nullif(tempo, 0) as tempo,
        nullif(time_signature, 0) as time_signature
    )
from {{ ref('base_kaggle__tracks') }}
where rule is null
