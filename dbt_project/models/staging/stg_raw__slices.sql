select
    slice,
    status,
    bytes
from {{ source('raw', 'slices') }}
