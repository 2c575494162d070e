-- depends_on: {{ ref('genres') }}
select
    track_id,
    pair_key,
    {{ fold('pair_key') }} as fold,
    {{ encoded_columns('tier') }},
    {{ tier('popularity') }} as tier
from {{ ref('int_tracks') }}
where
    is_pair_representative
    and {{ has_all_inputs('tier') }}
