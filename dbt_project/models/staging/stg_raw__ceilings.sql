-- The best achievable scores are valid only for the sample, so sources with the user's files have none.
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
    cast(ceilings."rows" as bigint) as row_count, -- noqa: RF06, the word is reserved in Snowflake
    ceilings.definition
from {{ source('raw', 'ceilings') }} as ceilings
inner join sampled
    on ceilings.source = sampled.source
