-- Tukey's fences on the logarithm of the duration, because it is nearly symmetric, and one fixed limit:
-- Spotify counts a play as a stream after 30 seconds.
with quartiles as (

    select
        percentile_cont(0.25) within group (order by ln(duration_ms) asc nulls last) as lower_quartile,
        percentile_cont(0.75) within group (order by ln(duration_ms) asc nulls last) as upper_quartile
    from {{ ref('stg_mpd__tracks') }}
    where duration_ms > 0

),

fences as (

    select
        exp(lower_quartile - 1.5 * (upper_quartile - lower_quartile)) / 1000 as shortest,
        exp(upper_quartile + 1.5 * (upper_quartile - lower_quartile)) / 1000 as longest
    from quartiles

),

classified as (

    select
        tracks.track_uri,
        tracks.track_name,
        artists.artist_name,
        cast(tracks.duration_ms as double) / 1000 as seconds,
        case
            when tracks.duration_ms < 30000 then 'no_stream'
            when cast(tracks.duration_ms as double) / 1000 < fences.shortest then 'short'
            when cast(tracks.duration_ms as double) / 1000 > fences.longest then 'long'
        end as rule,
        fences.shortest,
        fences.longest
    from {{ ref('stg_mpd__tracks') }} as tracks
    inner join {{ ref('stg_mpd__artists') }} as artists
        on tracks.artist_uri = artists.artist_uri
    cross join fences

),

entries as (

    select
        track_uri,
        count(distinct playlist_id) as playlists
    from {{ ref('stg_mpd__playlist_tracks') }}
    group by track_uri

)

select
    classified.track_uri,
    classified.track_name,
    classified.artist_name,
    classified.seconds,
    classified.rule,
    case classified.rule
        when 'no_stream' then 30
        when 'short' then classified.shortest
        else classified.longest
    end as limit_seconds,
    coalesce(entries.playlists, 0) as playlists
from classified
left join entries
    on classified.track_uri = entries.track_uri
where classified.rule is not null
