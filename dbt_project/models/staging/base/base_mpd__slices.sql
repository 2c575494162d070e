{{ config(
    materialized='incremental',
    meta={'tmp_relation_type': 'view'},
    pre_hook="{% if is_incremental() %}{{ forget_slices(ref('stg_raw__slices'), this) }}{% endif %}"
) }}
{%- set integers = [
    'pid', 'modified_at', 'num_tracks', 'num_albums', 'num_artists', 'num_edits', 'num_followers', 'duration_ms',
] -%}
{%- set texts = ['name', 'description', 'collaborative', 'not_unicode', 'not_json'] -%}
{%- set track_texts = [
    'pos', 'track_uri', 'track_name', 'artist_uri', 'artist_name', 'album_uri', 'album_name', 'duration_ms',
] -%}
{%- set shape = {'tracks': [dict.fromkeys(track_texts, 'varchar')]} -%}
{%- do shape.update(dict.fromkeys(texts + integers, 'varchar')) -%}
{%- set no_boolean = rule(
    'collaborative_not_a_boolean',
    "collaborative not in ('true', 'false')",
    "'collaborative is ''' || collaborative || ''', neither true nor false'"
) -%}
{%- set playlist_rules =
    [rule('not_json', 'not_json is not null', "'the line is not JSON'")]
    + [rule('not_unicode', 'not_unicode is not null', "'a text in it is not Unicode: U+FFFD stands for what cannot be read'")]
    + rules_number(['pid'], 'whole number')
    + rules_range(['pid'], 0, 9007199254740991)
    + rules_number(integers[1:], 'whole number', needed=false)
    + [no_boolean, rule('tracks_missing', 'tracks is null', "'tracks is missing or not a list'")]
-%}

-- depends_on: {{ ref('stg_raw__slices') }}
-- A slice that cannot be used is one row without a playlist.
with playlists as (

    {{ read_playlists() }}

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
        {{ field('playlist', 'tracks', 'list') }} as tracks,
        {%- for name in texts %}
        {{ parse_text(field('playlist', name)) }} as {{ name }},
        {%- endfor %}
        {%- for name in integers %}
        {{ parse_integer(field('playlist', name)) }} as {{ name }},
        {{ field('playlist', name) }} as raw_{{ name }}{% if not loop.last %},{% endif %}
        {%- endfor %}
    from parsed

),

ruled as (

    select
        *,
        {{ broken_rule(playlist_rules) }}
    from typed

),

-- One row for each track.
numbered as (

    {{ numbered_tracks('ruled') }}

)

select
    slice,
    fingerprint,
    case when slice_rule is null then place end as place,
    pid as playlist_id,
    name as title,
    description,
    collaborative = 'true' as is_collaborative,
    {{ timestamp_of_seconds('modified_at') }} as modified_at,
    num_followers as follower_count,
    num_edits as edit_count,
    track_count,
    entry,
    track,
    is_again,
    -- the other columns have the values of a kept playlist
    case when coalesce(slice_rule, rule) is not null then coalesce(not_json, content, '') end as content,
    coalesce(slice_rule, rule) as rule,
    case when slice_rule is null then reason else slice_reason end as reason
from numbered
