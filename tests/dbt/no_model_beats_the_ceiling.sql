-- A score more than 3 standard errors above what is possible on the sample means that a label
-- leaks into the features: look at the inputs of the task before using the model. Models that a
-- newer version has replaced no longer matter.
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
