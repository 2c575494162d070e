select
    source,
    status,
    file,
    encoding,
    delimiter,
    "rows" as row_count, -- noqa: RF06, the word is reserved in Snowflake
    sha256,
    notes
from {{ source('raw', 'files') }}
