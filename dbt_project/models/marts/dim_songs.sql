select * exclude (line_number)
from {{ ref('int_chart_songs') }}
