with calibration as (

    select
        model_id,
        task,
        algorithm,
        version,
        unnest(calibration) as item
    from {{ ref('registry') }}

)

select
    * exclude (item),
    item.*
from calibration
