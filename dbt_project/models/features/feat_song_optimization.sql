-- depends_on: {{ ref('genres') }}
{%- set first, last = var('optimization_parts') %}
with songs as (

    select *
    from {{ ref('int_tracks') }}
    where
        is_pair_representative
        and {{ has_all_inputs('song_optimization') }}

),

artists as (

    select
        songs.track_id,
        cast(artists.value as varchar) as artist
    from songs
    {{ each("split(songs.artists, ';')", 'artists') }}

),

shares as (

    select
        track_id,
        {{ fold('lower(trim(artist))', salt='part', folds=100) }} as share
    from artists

),

parts as (

    select
        track_id,
        case
            when max(share) < {{ first }} then 'student'
            when min(share) >= {{ last }} then 'judge'
            when min(share) >= {{ first }} and max(share) < {{ last }} then 'test'
        end as part
    from shares
    group by track_id

)

-- A song whose artists are in two parts is left out.
select
    songs.track_id,
    lower(trim(split_part(songs.artists, ';', 1))) as artist,
    parts.part,
    {{ encoded_columns('song_optimization', 'songs.') }},
    cast(songs.popularity as double) as popularity
from songs
inner join parts
    on songs.track_id = parts.track_id
where parts.part is not null
