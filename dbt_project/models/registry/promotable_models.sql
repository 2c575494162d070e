with models as (

    select
        task,
        model_id,
        any_value(algorithm) as algorithm,
        count(case when pruned_at is null then 1 end) = 0 as is_pruned,
        -- unknown for a registered model
        min(case when {{ is_helper('metrics') }} then 1 when not {{ is_helper('metrics') }} then 0 end) = 1
            as is_helper,
        array_to_string({{ input_groups('any_value(inputs)') }}, ', ') as inputs,
        array_to_string({{ function_inputs('task') }}, ', ') as expected
    from {{ ref('registry') }}
    group by task, model_id

)

select
    task,
    model_id,
    algorithm,
    case
        when is_pruned
            then 'model ' || model_id || ' was pruned, and its bytes are gone: promote another model'
        when is_helper
            then
                'model ' || model_id || ' is the ' || algorithm || ' of task ' || task
                || ', which no function of the task uses: see select * from ml.challengers'
        when inputs <> expected
            then
                'model ' || model_id || ' takes ' || inputs
                || ', but the functions of task ' || task || ' pass ' || expected
                || ': promote a model with these inputs'
    end as refusal
from models
