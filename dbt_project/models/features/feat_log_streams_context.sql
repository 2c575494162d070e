select
    song_id,
    pair_key,
    {{ fold('pair_key') }} as fold,
    {{ encoded_columns('log_streams_context') }},
    ln(1 + streams) as log_streams
from {{ ref('int_chart_songs') }}
where {{ has_all_inputs('log_streams_context') }}
