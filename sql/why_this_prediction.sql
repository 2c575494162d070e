-- Which features of a song raise the predictions of three champions, and which lower them?
-- Shape: 15 rows, 5 for each task: task VARCHAR, place INTEGER, feature VARCHAR, contribution DOUBLE,
-- answer DOUBLE.
-- Contributions are Shapley values. Place 0 is the champion's average for 64 other songs. All contributions
-- of a task add up to its answer for this song; for the tier, to the probability of the most likely one.
with song as (

    select *
    from dim_tracks
    where is_pair_representative and popularity between 50 and 59
    order by track_id
    limit 1

),

explained as (

    select
        'hit' as task,
        explain_hit(song) as terms
    from song
    union all
    select
        'popularity' as task,
        explain_popularity(song) as terms
    from song
    union all
    select
        'tier' as task,
        explain_tier(song) as terms
    from song

),

each_term as (

    select
        task,
        list_sum(list_transform(terms, lambda term: term.contribution)) as answer,
        unnest(terms) as term
    from explained

)

select
    task,
    term.rank as place,
    term.feature,
    round(term.contribution, 3) as contribution,
    round(answer, 3) as answer
from each_term
where term.rank <= 4
order by task, place
