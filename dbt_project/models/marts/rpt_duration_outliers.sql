-- Tukey's far fences on the logarithm of the duration, which is nearly symmetric, and one limit that
-- does not depend on the other tracks: Spotify counts a stream from 30 seconds on.
with quartiles as (

    select
        percentile_cont(0.25) within group (order by ln(duration_ms)) as lower_quartile,
        percentile_cont(0.75) within group (order by ln(duration_ms)) as upper_quartile
    from {{ ref('stg_mpd__tracks') }}
    where duration_ms > 0

),

fences as (

    select
        exp(lower_quartile - 1.5 * (upper_quartile - lower_quartile)) / 1000 as shortest,
        exp(upper_quartile + 1.5 * (upper_quartile - lower_quartile)) / 1000 as longest
    from quartiles

),

judged as (

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
    judged.track_uri,
    judged.track_name,
    judged.artist_name,
    judged.seconds,
    judged.rule,
    case judged.rule
        when 'no_stream' then 30
        when 'short' then judged.shortest
        else judged.longest
    end as limit_seconds,
    coalesce(entries.playlists, 0) as playlists
from judged
left join entries
    on judged.track_uri = entries.track_uri
where judged.rule is not null
