-- A score more than 3 standard errors above what is possible on the sample means that a label
-- leaks into the features: look at the inputs of the task before using the model.
select
    task,
    algorithm,
    version,
    metric,
    mean,
    ceiling,
    standard_error
from {{ ref('model_metrics') }}
where is_above_ceiling
