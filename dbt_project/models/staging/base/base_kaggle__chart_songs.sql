{%- set counts = [
    'in_spotify_playlists', 'in_spotify_charts', 'in_apple_playlists', 'in_apple_charts',
    'in_deezer_playlists', 'in_deezer_charts', 'in_shazam_charts',
] -%}
{%- set percents = [
    'danceability_pct', 'valence_pct', 'energy_pct', 'acousticness_pct', 'instrumentalness_pct',
    'liveness_pct', 'speechiness_pct',
] -%}
{%- set numbers = ['artist_count', 'released_year', 'released_month', 'released_day', 'streams', 'bpm'] -%}
{%- set no_date = rule(
    'released_on_not_a_date',
    'released_on is null and released_year is not null and released_month is not null and released_day is not null',
    "'released on ' || released_year || '-' || released_month || '-' || released_day || ', not a date'"
) -%}
{%- set rules =
    rules_unparsed()
    + [rule('not_available', "track_name = 'NA' and artists = 'NA'", "'track_name and artists are NA, as R writes a missing value'")]
    + rules_missing(['track_name', 'artists'])
    + rules_number(numbers + percents, 'whole number', may_lack=true)
    + rules_range(percents, 0, 100)
    + rules_range(['released_year'], 1900, 2100)
    + rules_range(['artist_count', 'bpm'], 1, 1000)
    + rules_range(['streams'], 0, 100000000000)
    + [no_date]
-%}

with raw as (

    select * from {{ source('raw', 'chart_songs') }}

),

typed as (

    select
        line_number,
        unparsed,
        flaw,
        {{ parse_text('track_name') }} as track_name,
        {{ parse_text('"artist(s)_name"') }} as artists,
        {%- for name in numbers + counts %}
        {{ parse_integer(name) }} as {{ name }},
        {{ name }} as raw_{{ name }},
        {%- endfor %}
        {%- for name in percents %}
        {%- set column = '"' ~ name | replace('_pct', '_%') ~ '"' %}
        {{ parse_integer(column) }} as {{ name }},
        {{ column }} as raw_{{ name }},
        {%- endfor %}
        {{ parse_text('key') }} as key,
        {{ parse_text('mode') }} as mode,
        {{ row_as_json('raw', source_columns('chart_songs')) }} as content
    from raw

),

dated as (

    select
        *,
        {{ date_of('released_year', 'released_month', 'released_day') }} as released_on
    from typed

)

select
    line_number,
    track_name,
    artists,
    artist_count,
    released_year,
    released_month,
    released_day,
    released_on,
    streams,
    bpm,
    key,
    mode,
    {%- for name in percents %}
    {{ name }},
    {%- endfor %}
    {%- for name in counts %}
    {{ name }},
    {%- endfor %}
    content,
    -- No model uses a count, so a bad count does not reject its row.
    nullif(
        ''
        {%- for name in counts %}
        || case when {{ name }} is null and trim(raw_{{ name }}) <> '' then '{{ name }} ' else '' end
        {%- endfor %},
        ''
    ) as unusable_counts,
    {{ broken_rule(rules) }}
from dated
