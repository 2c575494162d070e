{%- set shares = [
    'danceability', 'energy', 'speechiness', 'acousticness', 'instrumentalness', 'liveness', 'valence',
] -%}
{%- set numbers = shares + ['loudness', 'tempo'] -%}
{%- set integers = ['popularity', 'duration_ms', 'key', 'mode', 'time_signature'] -%}
{%- set no_boolean = rule(
    'explicit_not_a_boolean',
    'explicit is null and raw_explicit is not null',
    "'explicit is ''' || coalesce(raw_explicit, '') || ''', neither True nor False'"
) -%}
{%- set rules =
    rules_unparsed()
    + [rule('not_available', "track_name = 'NA' and artists = 'NA'", "'track_name and artists are NA, as R writes a missing value'")]
    + rules_missing(['track_id', 'track_name', 'artists'])
    + [rule('genre_missing', 'genre is null and track_genre is not null', "'genre has no letter or digit'")]
    + rules_number(integers, 'whole number', may_lack=true)
    + rules_number(numbers, may_lack=true)
    + rules_range(shares, 0, 1)
    + rules_range(['popularity'], 0, 100)
    + rules_range(['duration_ms'], 0, 86400000)
    + rules_range(['key'], -1, 11)
    + rules_range(['loudness'], -200, 100)
    + rules_range(['mode'], 0, 1)
    + rules_range(['tempo'], 0, 1000)
    + rules_range(['time_signature'], 0, 16)
    + [no_boolean]
-%}

with raw as (

    select * from {{ source('raw', 'tracks') }}

),

typed as (

    select
        line_number,
        unparsed,
        flaw,
        {{ parse_text('track_id') }} as track_id,
        {{ parse_text('artists') }} as artists,
        {{ parse_text('album_name') }} as album_name,
        {{ parse_text('track_name') }} as track_name,
        {{ genre_name(parse_text('track_genre')) }} as genre,
        track_genre,
        {{ parse_boolean('explicit') }} as explicit,
        explicit as raw_explicit,
        {%- for name in integers %}
        {{ parse_integer(name) }} as {{ name }},
        {{ name }} as raw_{{ name }},
        {%- endfor %}
        {%- for name in numbers %}
        {{ parse_number(name) }} as {{ name }},
        {{ name }} as raw_{{ name }},
        {%- endfor %}
        {{ row_as_json('raw', source_columns('tracks')) }} as content
    from raw

)

select
    line_number,
    track_id,
    track_name,
    artists,
    album_name,
    genre,
    popularity,
    duration_ms,
    explicit,
    key,
    mode,
    {%- for name in numbers %}
    {{ name }},
    {%- endfor %}
    time_signature,
    content,
    {{ broken_rule(rules) }}
from typed
