-- The ceilings hold for the sample's rows alone: a source that the user gave has none.
select
    ceilings.source,
    ceilings.task,
    ceilings.metric,
    cast(ceilings.ceiling as double) as ceiling,
    cast(ceilings.rows as bigint) as row_count,
    ceilings.definition
from {{ source('raw', 'ceilings') }} as ceilings
inner join {{ ref('stg_raw__files') }} as files
    on ceilings.source = files.source
where files.status = 'sample'
