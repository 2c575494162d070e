with trainings as (

    {% for task in tasks() %}
    select
        task,
        trained_at,
        refusal
    from {{ ref('train_' ~ task) }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

newest as (

    select *
    from trainings
    qualify row_number() over (partition by task order by trained_at desc nulls last) = 1

)

select
    task,
    trained_at as refused_at,
    refusal as reason
from newest
where refusal is not null
