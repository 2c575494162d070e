with importance as (

    select
        model_id,
        task,
        algorithm,
        version,
        unnest(importance) as item
    from {{ ref('registry') }}

)

select
    * exclude (item),
    item.*
from importance
