{%- set files = {
    'chart_songs': ref('base_kaggle__chart_songs'),
    'tracks': ref('base_kaggle__tracks'),
} -%}
{#- A playlist is a line of its file, or an element of the list in a slice. -#}
{%- set line_number = 'case when ' ~ is_json_lines('slice') ~ ' then place + 1 end' -%}
{%- set playlist_path =
    "'$' || case when " ~ is_json_lines('slice') ~ " then '' else coalesce('.playlists[' || place || ']', '') end"
-%}

{% for source, base in files.items() %}
select
    '{{ source }}' as source,
    files.file,
    base.line_number,
    cast(null as varchar) as path,
    base.content,
    base.rule,
    base.reason
from {{ base }} as base
inner join {{ ref('stg_raw__files') }} as files
    on files.source = '{{ source }}'
where base.rule is not null
union all
{% endfor %}
select
    'playlists' as source,
    slice as file,
    {{ line_number }} as line_number,
    {{ playlist_path }} as path,
    content,
    rule,
    reason
from {{ ref('base_mpd__playlists') }}
where rule is not null
union all
select
    'playlists' as source,
    slice as file,
    {{ line_number }} as line_number,
    {{ playlist_path }} || '.tracks[' || entry || ']' as path,
    content,
    rule,
    reason
from {{ ref('base_mpd__playlist_tracks') }}
where rule is not null
