-- Would marking popular tracks as explicit change their predicted popularity?
-- Shape: 2 rows, one for each current mark: explicit BOOLEAN, tracks BIGINT, mean_popularity DOUBLE,
-- if_clean DOUBLE, if_explicit DOUBLE, effect DOUBLE. The effect is what the model
-- learned, not what a change would cause.
with tracks as (

    select *
    from dim_tracks
    where is_pair_representative
    qualify row_number() over (partition by explicit order by popularity desc, track_id asc) <= 50

),

clean as (

    select * replace (false as explicit)
    from tracks

),

marked as (

    select * replace (true as explicit)
    from tracks

),

scored as (

    select
        tracks.explicit,
        tracks.popularity,
        predict_popularity(clean) as if_clean,
        predict_popularity(marked) as if_explicit
    from tracks
    inner join clean
        on tracks.track_id = clean.track_id
    inner join marked
        on tracks.track_id = marked.track_id

)

select
    explicit,
    count(*) as tracks,
    avg(popularity) as mean_popularity,
    avg(if_clean) as if_clean,
    avg(if_explicit) as if_explicit,
    avg(if_explicit - if_clean) as effect
from scored
group by explicit
order by explicit
