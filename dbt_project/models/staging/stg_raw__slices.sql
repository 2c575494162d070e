-- The one model that asks for the list: dbt-duckdb makes the table of a source anew for each model that
-- reads it, and two at once are in each other's way.
select
    slice,
    path,
    status,
    fingerprint,
    bytes
from {{ source('raw', 'slices') }}
