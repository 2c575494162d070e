-- A score more than 3 standard errors above the best achievable score on the sample means that a label
-- leaks into the features: check the inputs of the task before using the model. Only the newest versions are
-- tested.
with newest as (

    select *
    from {{ ref('model_metrics') }}
    qualify version = max(version) over (partition by task, algorithm)

)

select
    task,
    algorithm,
    version,
    metric,
    mean,
    ceiling,
    standard_error
from newest
where is_above_ceiling
