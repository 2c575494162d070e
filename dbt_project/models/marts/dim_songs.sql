select *
from {{ ref('int_chart_songs') }}
