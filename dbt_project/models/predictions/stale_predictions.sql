{{ config(schema='ml', materialized='view') }}

select
    stored.table_name,
    stored.task,
    stored.model_id,
    stored.row_count,
    champions.model_id as champion_model_id
from {{ ref('stored_predictions') }} as stored
left join {{ ref('champions') }} as champions
    on stored.task = champions.task
where stored.model_id is distinct from champions.model_id
