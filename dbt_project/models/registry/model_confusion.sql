with confusion as (

    select
        model_id,
        task,
        algorithm,
        version,
        unnest(confusion) as item
    from {{ ref('registry') }}

)

select
    * exclude (item),
    item.*
from confusion
