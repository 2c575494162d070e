select
    source,
    status,
    file,
    encoding,
    delimiter,
    "rows" as row_count, -- noqa: RF06, Snowflake keeps the word to itself
    sha256,
    notes
from {{ source('raw', 'files') }}
