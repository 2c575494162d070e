with counted as (

    select
        genre,
        count(*) as row_count
    from {{ ref('stg_kaggle__tracks') }}
    where genre is not null
    group by genre
    having count(*) >= {{ var('least_genre_tracks') }}

),

ranked as (

    select
        *,
        row_number() over (order by row_count desc nulls last, genre asc nulls last) as place
    from counted

)

select genre
from ranked
where place <= {{ var('most_genres') }}
