-- depends_on: {{ ref('genres') }}
with models as (

    select
        task,
        model_id,
        any_value(algorithm) as algorithm,
        count(*) filter (where pruned_at is null) = 0 as is_pruned,
        bool_and({{ is_helper('metrics') }}) as is_helper,
        {{ input_names('any_value(inputs)') }} as inputs,
        {{ function_inputs('task') }} as expected
    from {{ ref('registry') }}
    group by task, model_id

)

select
    task,
    model_id,
    algorithm,
    case
        when is_pruned
            then 'model ' || model_id || ' was pruned, its bytes are gone: promote another one'
        when is_helper
            then
                'model ' || model_id || ' is the ' || algorithm || ' of task ' || task
                || ', which no function of the task asks: see select * from ml.challengers'
        when inputs <> expected
            then
                'model ' || model_id || ' takes ' || array_to_string(inputs, ', ')
                || ', but the functions of task ' || task || ' give ' || array_to_string(expected, ', ')
                || ': promote a model with these inputs'
    end as refusal
from models
