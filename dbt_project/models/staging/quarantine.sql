{%- set files = {
    'chart_songs': ref('base_kaggle__chart_songs'),
    'tracks': ref('base_kaggle__tracks'),
} -%}

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
    null as line_number,
    '$' || coalesce('.playlists[' || place || ']', '') as path,
    content,
    rule,
    reason
from {{ ref('base_mpd__playlists') }}
where rule is not null
union all
select
    'playlists' as source,
    slice as file,
    null as line_number,
    '$.playlists[' || place || '].tracks[' || entry || ']' as path,
    content,
    rule,
    reason
from {{ ref('base_mpd__playlist_tracks') }}
where rule is not null
