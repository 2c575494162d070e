-- The ceilings hold for the sample's rows alone: a source that the user gave has none.
with sampled as (

    select source
    from {{ ref('stg_raw__files') }}
    where status = 'sample'
    union
    select 'playlists' as source
    from {{ ref('stg_raw__slices') }}
    where status = 'sample'

)

select
    ceilings.source,
    ceilings.task,
    ceilings.metric,
    cast(ceilings.ceiling as double) as ceiling,
    cast(ceilings."rows" as bigint) as row_count, -- noqa: RF06, Snowflake keeps the word to itself
    ceilings.definition
from {{ source('raw', 'ceilings') }} as ceilings
inner join sampled
    on ceilings.source = sampled.source
