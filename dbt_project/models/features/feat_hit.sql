select
    track_id,
    pair_key,
    {{ fold('pair_key') }} as fold,
    {{ encoded_columns('hit') }},
    popularity >= {{ var('hit_cut') }} as is_hit
from {{ ref('int_tracks') }}
where
    is_pair_representative
    and {{ has_all_inputs('hit') }}
