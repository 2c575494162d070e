{%- set of_one_artist = 5 -%}

with offers as (

    select
        track_uri,
        count(*) as offers
    from {{ ref('fct_playlist_next_songs') }}
    group by track_uri

),

tracks as (

    select
        -- numbers begin with the most played track
        cast(floor(known.track_number * 10.0 / count(*) over ()) as integer) + 1 as popularity_tenth,
        known.play_count,
        coalesce(offers.offers, 0) as offers
    from {{ ref('feat_next_song_tracks') }} as known
    left join offers
        on known.track_uri = offers.track_uri

),

-- each track is in its tenth, and in the row of all tracks
tenths as (

    select *
    from tracks
    union all
    select
        cast(null as integer) as popularity_tenth,
        play_count,
        offers
    from tracks

),

shares as (

    select
        popularity_tenth,
        cast(count(case when offers > 0 then 1 end) as double) / count(*) as coverage,
        cast(sum(play_count) as double) / nullif((select sum(play_count) from tracks), 0) as play_share,
        cast(sum(offers) as double) / nullif((select sum(offers) from tracks), 0) as offer_share
    from tenths
    group by popularity_tenth

),

artists as (

    select
        songs.playlist_id,
        known.artist_uri,
        count(*) as songs
    from {{ ref('fct_playlist_next_songs') }} as songs
    inner join {{ ref('feat_next_song_tracks') }} as known
        on songs.track_uri = known.track_uri
    group by songs.playlist_id, known.artist_uri

),

lists as (

    select
        playlist_id,
        cast(count(*) as double) as artists,
        cast(max(songs) as double) as most_songs
    from artists
    group by playlist_id

),

lists_together as (

    select
        avg(artists) as artists,
        avg(most_songs) as most_songs,
        cast(count(case when most_songs >= {{ of_one_artist }} then 1 end) as double)
        / nullif(count(*), 0) as narrow_share
    from lists

),

measures as (

    {%- for name in ['coverage', 'play_share', 'offer_share'] %}
    select
        '{{ name }}' as measure,
        popularity_tenth,
        {{ name }} as value
    from shares
    union all
    {%- endfor %}
    {%- for name, value in {
        'artists_in_a_list': 'artists',
        'most_songs_of_an_artist': 'most_songs',
        'share_with_' ~ of_one_artist ~ '_songs_of_an_artist': 'narrow_share',
    }.items() %}
    select
        '{{ name }}' as measure,
        cast(null as integer) as popularity_tenth,
        {{ value }} as value
    from lists_together
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}

)

select
    measure,
    popularity_tenth,
    value
from measures
where value is not null
