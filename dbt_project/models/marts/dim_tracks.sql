select
    * exclude (line_number),
    array_to_string(genres, ', ') as genres_text
from {{ ref('int_tracks') }}
