select * exclude (content, unusable_counts, rule, reason)
from {{ ref('base_kaggle__chart_songs') }}
where rule is null
