{%- set texts = ['track_uri', 'track_name', 'artist_uri', 'artist_name', 'album_uri', 'album_name'] -%}
{%- set integers = ['pos', 'duration_ms'] -%}
{%- set rules =
    rules_number(['pos'], 'whole number')
    + rules_range(['pos'], 0, 2147483647)
    + [rule('pos_twice', 'is_again', "'pos is ' || pos || ', as of a track before it'")]
    + [rule(
        'not_a_track',
        "track_uri like 'spotify:%' and track_uri not like 'spotify:track:%'",
        "'track_uri is ''' || track_uri || ''', not a track of Spotify'"
    )]
    + rules_missing(texts)
    + rules_number(['duration_ms'], 'whole number')
    + rules_range(['duration_ms'], 0, 86400000)
-%}

with entries as (

    select
        slice,
        place,
        entry,
        playlist_id,
        track,
        is_again
    from {{ ref('base_mpd__slices') }} as slices
    where
        entry is not null
        and not exists (
            select 1
            from {{ ref('base_mpd__playlists') }} as playlists
            where
                playlists.rule = 'pid_twice'
                and playlists.slice = slices.slice
                and playlists.place = slices.place
        )

),

typed as (

    select
        slice,
        place,
        entry,
        playlist_id,
        track,
        is_again,
        {%- for name in texts %}
        {{ parse_text(field('track', name)) }} as {{ name }},
        {%- endfor %}
        {%- for name in integers %}
        {{ parse_integer(field('track', name)) }} as {{ name }},
        {{ field('track', name) }} as raw_{{ name }}{% if not loop.last %},{% endif %}
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
    -- the other columns have the values of a kept track
    case
        when rule is not null then coalesce({{ fields_as_json('track', texts + integers) }}, 'null')
    end as content,
    rule,
    reason
from ruled
