{{ config(
    materialized='incremental',
    meta={'tmp_relation_type': 'view'},
    pre_hook="{% if is_incremental() %}{{ forget_slices(ref('stg_raw__slices'), this) }}{% endif %}"
) }}
{%- set integers = [
    'pid', 'modified_at', 'num_tracks', 'num_albums', 'num_artists', 'num_edits', 'num_followers', 'duration_ms',
] -%}
{%- set texts = ['name', 'description', 'collaborative'] -%}
{%- set track_texts = [
    'pos', 'track_uri', 'track_name', 'artist_uri', 'artist_name', 'album_uri', 'album_name', 'duration_ms',
] -%}
{%- set shape = {'tracks': [dict.fromkeys(track_texts, 'varchar')]} -%}
{%- do shape.update(dict.fromkeys(texts + integers, 'varchar')) -%}
{%- set slices = slices_to_read(ref('stg_raw__slices'), this if is_incremental() else none) -%}
{#- Whether a text is blank or JSON is asked only where it has no playlists: it takes as long as parsing. -#}
{%- set slice_rules = [
    rule('not_utf8', 'text is null', "'the file is not UTF-8: download it again'"),
    rule('empty', "parsed.playlists is null and trim(text) = ''", "'the file is empty: download it again'"),
    rule(
        'not_json',
        'parsed.playlists is null and not ' ~ is_json('text'),
        "'the file is cut off, or not JSON: download it again'"
    ),
    rule(
        'no_playlists',
        'parsed.playlists is null or len(parsed.playlists) = 0',
        "'the file has no list of playlists'"
    ),
] -%}
{%- set no_boolean = rule(
    'collaborative_not_a_boolean',
    "collaborative not in ('true', 'false')",
    "'collaborative is ''' || collaborative || ''', neither true nor false'"
) -%}
{%- set playlist_rules =
    rules_number(['pid'], 'whole number')
    + rules_range(['pid'], 0, 9007199254740991)
    + rules_number(integers[1:], 'whole number', needed=false)
    + [no_boolean, rule('tracks_missing', 'tracks is null', "'tracks is missing, or is no list'")]
-%}

-- Slices are looked up, not joined: DuckDB builds the hash table of such a join of the texts, and holds
-- all of them, where now it holds one.
with slices as (

    select
        {{ look_up('path', slices.slice) }} as slice,
        {{ look_up('path', slices.fingerprint) }} as fingerprint,
        content as text,
        {{ parse_json('content', {'playlists': ['json']}) }} as parsed
    from {{ read_texts(slices.slice.keys() | list) }}

),

judged as (

    select
        slice,
        fingerprint,
        parsed.playlists,
        {{ broken_rule(slice_rules) }}
    from slices

),

-- A slice that cannot be used is one row without a playlist.
playlists as (

    select
        slice,
        fingerprint,
        rule as slice_rule,
        reason as slice_reason,
        cast(unnest(case when rule is null then playlists else [null] end) as varchar) as content,
        generate_subscripts(case when rule is null then playlists else [null] end, 1) - 1 as place
    from judged

),

parsed as (

    select
        *,
        {{ parse_json('content', shape) }} as playlist
    from playlists

),

typed as (

    select
        slice,
        fingerprint,
        place,
        content,
        slice_rule,
        slice_reason,
        playlist.tracks,
        {%- for name in texts %}
        {{ parse_text('playlist.' ~ name) }} as {{ name }},
        {%- endfor %}
        {%- for name in integers %}
        {{ parse_integer('playlist.' ~ name) }} as {{ name }},
        playlist.{{ name }} as raw_{{ name }}{% if not loop.last %},{% endif %}
        {%- endfor %}
    from parsed

),

ruled as (

    select
        *,
        {{ broken_rule(playlist_rules) }}
    from typed

),

listed as (

    select
        *,
        list_transform(tracks, lambda track: struct_extract(track, 'pos')) as positions
    from ruled

),

-- Positions are looked through only where one stands twice, and not beside unnest, which would
-- repeat them for each track.
searched as (

    select
        * replace (
            case when rule is null and len(tracks) > 0 then tracks end as tracks,
            case when len(list_distinct(positions)) < len(positions) then positions end as positions
        ),
        len(tracks) as track_count
    from listed

),

-- One row for each track: DuckDB writes 122,880 rows at a time, and as many whole playlists are 2 GB.
flat as (

    select
        * exclude (tracks),
        unnest(coalesce(tracks, [null])) as track,
        generate_subscripts(tracks, 1) as entry
    from searched

)

select
    slice,
    fingerprint,
    case when slice_rule is null then place end as place,
    pid as playlist_id,
    name as title,
    description,
    collaborative = 'true' as is_collaborative,
    make_timestamp(modified_at * 1000000) as modified_at,
    num_followers as follower_count,
    num_edits as edit_count,
    track_count,
    entry - 1 as entry,
    track,
    coalesce(list_position(positions, track.pos) < entry, false) as is_again,
    -- what is kept stands in the other columns
    case when coalesce(slice_rule, rule) is not null then coalesce(content, '') end as content,
    coalesce(slice_rule, rule) as rule,
    case when slice_rule is null then reason else slice_reason end as reason
from flat
