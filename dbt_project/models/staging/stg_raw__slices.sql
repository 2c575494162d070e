-- The only model that reads this source: dbt-duckdb recreates a source's table for each model that reads it,
-- and two models at once would conflict.
select
    slice,
    path,
    status,
    fingerprint,
    bytes
from {{ source('raw', 'slices') }}
