with known as (

    select distinct
        champions.task,
        {{ field('inputs.value', 'name') }} as input
    from {{ ref('champions') }} as champions
    inner join {{ ref('registry') }} as registry
        on champions.task = registry.task and champions.model_id = registry.model_id
    {{ each('registry.inputs', 'inputs') }}
    where {{ field('inputs.value', 'name') }} like 'genres=%'

),

tasks as (

    select distinct task
    from known

),

present as (

    select
        tracks.track_id,
        cast(genres.value as varchar) as genre
    from {{ ref('int_tracks') }} as tracks
    {{ each('tracks.genres', 'genres') }}

),

unknown as (

    select
        tasks.task,
        present.track_id,
        present.genre
    from tasks
    cross join present
    left join known as same
        on tasks.task = same.task and same.input = 'genres=' || present.genre
    where same.task is null

),

counted as (

    select
        task,
        genre,
        row_number() over (partition by task order by count(*) desc nulls last, genre asc nulls last) as place
    from unknown
    group by task, genre

),

named as (

    select
        task,
        count(*) as genre_count,
        {{ joined_text('case when place <= 10 then genre end', ', ', 'place') }} as most_frequent
    from counted
    group by task

),

totals as (

    select count(*) as track_count
    from {{ ref('int_tracks') }}

)

select
    unknown.task,
    count(distinct unknown.track_id) as track_count,
    cast(count(distinct unknown.track_id) as double) / max(totals.track_count) as track_share,
    max(named.genre_count) as genre_count,
    max(named.most_frequent) as most_frequent
from unknown
inner join named
    on unknown.task = named.task
cross join totals
group by unknown.task
