{%- set texts = ['track_uri', 'track_name', 'artist_uri', 'artist_name', 'album_uri', 'album_name'] -%}
{%- set integers = ['pos', 'duration_ms'] -%}
{%- set rules =
    rules_number(['pos'], 'whole number')
    + rules_range(['pos'], 0, 2147483647)
    + [rule('pos_twice', 'is_again', "'pos is ' || pos || ', as of a track before it'")]
    + rules_missing(texts)
    + rules_number(['duration_ms'], 'whole number')
    + rules_range(['duration_ms'], 0, 86400000)
-%}

with playlists as (

    select
        slice,
        place,
        playlist_id,
        tracks,
        list_transform(tracks, lambda track: struct_extract(track, 'pos')) as positions
    from {{ ref('base_mpd__playlists') }}
    where rule is null

),

-- Positions are looked through only where one stands twice, and not beside unnest, which would
-- repeat them for each track.
searched as (

    select
        slice,
        place,
        playlist_id,
        tracks,
        case when len(list_distinct(positions)) < len(positions) then positions end as positions
    from playlists

),

entries as (

    select
        slice,
        place,
        playlist_id,
        positions,
        unnest(tracks) as track,
        generate_subscripts(tracks, 1) as entry
    from searched

),

typed as (

    select
        slice,
        place,
        playlist_id,
        track,
        entry - 1 as entry,
        coalesce(list_position(positions, track.pos) < entry, false) as is_again,
        {%- for name in texts %}
        {{ parse_text('track.' ~ name) }} as {{ name }},
        {%- endfor %}
        {%- for name in integers %}
        {{ parse_integer('track.' ~ name) }} as {{ name }},
        track.{{ name }} as raw_{{ name }}{% if not loop.last %},{% endif %}
        {%- endfor %}
    from entries

),

ruled as (

    select
        *,
        {{ broken_rule(rules) }}
    from typed

)

select
    slice,
    place,
    entry,
    playlist_id,
    pos as position,
    {%- for name in texts %}
    {{ name }},
    {%- endfor %}
    duration_ms,
    -- what is kept stands in the other columns
    case when rule is not null then coalesce({{ row_as_json('track') }}, 'null') end as content,
    rule,
    reason
from ruled
