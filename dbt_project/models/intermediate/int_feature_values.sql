{{ config(materialized='view') }}

{%- set audio = audio_inputs('') | map(attribute='name') | list %}
{%- set track_features = audio + ['duration_ms', 'explicit', 'popularity'] %}
{%- set song_audio = encode_log_streams() | map(attribute='name') | list %}
{%- set song_features = song_audio + ['artist_count', 'log_streams'] %}

with tracks as (

    select
        track_id as id,
        row_number() over (order by popularity desc nulls last, track_id asc nulls last) <= 100 as is_top_100,
        {%- for feature in track_features %}
        cast({{ feature }} as double) as {{ feature }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from {{ ref('int_tracks') }}
    where is_pair_representative

),

songs as (

    select
        song_id as id,
        row_number() over (order by streams desc nulls last, song_id asc nulls last) <= 100 as is_top_100,
        ln(1 + streams) as log_streams,
        {%- for feature in song_features if feature != 'log_streams' %}
        cast({{ feature }} as double) as {{ feature }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from {{ ref('int_chart_songs') }}

)

select
    'tracks' as entity,
    id,
    is_top_100,
    lower(feature) = 'popularity' as is_label,
    lower(feature) as feature,
    value
from tracks
unpivot (value for feature in ({{ track_features | join(', ') }}))
union all
select
    'songs' as entity,
    id,
    is_top_100,
    lower(feature) = 'log_streams' as is_label,
    lower(feature) as feature,
    value
from songs
unpivot (value for feature in ({{ song_features | join(', ') }}))
