-- For each source: rows in the file = rows kept + rows quarantined.
with kept as (

    select
        'chart_songs' as source,
        count(*) as row_count
    from {{ ref('stg_kaggle__chart_songs') }}
    union all
    select
        'tracks' as source,
        count(*) as row_count
    from {{ ref('stg_kaggle__tracks') }}

),

quarantined as (

    select
        source,
        count(*) as row_count
    from {{ ref('quarantine') }}
    group by source

)

select
    files.source,
    files.row_count as raw_rows,
    kept.row_count as kept_rows,
    quarantined.row_count as quarantined_rows
from {{ ref('stg_raw__files') }} as files
inner join kept
    on files.source = kept.source
left join quarantined
    on files.source = quarantined.source
where files.row_count <> kept.row_count + coalesce(quarantined.row_count, 0)
