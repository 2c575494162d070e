select
    source,
    status,
    file,
    encoding,
    delimiter,
    rows as row_count
from {{ source('raw', 'files') }}
