{{ config(schema='ml') }}

with newest as (

    select
        task,
        feature_fingerprint
    from {{ ref('model_versions') }}
    where origin = 'trained'
    qualify row_number() over (
        partition by task
        order by trained_at desc nulls last, version desc nulls last
    ) = 1

),

inputs as (

    {% for task in tabular_tasks() -%}
    {%- set entity = entities()[tasks()[task].entity] -%}
    {%- for input in encode(task) %}
    {%- if input.vocabulary is defined %}
    select
        '{{ task }}' as task,
        '{{ input.name }}' as name,
        cast(null as double) as value,
        cast(member.value as varchar) as label
    from {{ ref('feat_' ~ task) }} as examples
    inner join {{ ref(entity.relation) }} as entities
        on examples.{{ entity.key }} = entities.{{ entity.key }}
    {{ each('entities.' ~ input.name, 'member') }}
    {%- else %}
    select
        '{{ task }}' as task,
        '{{ input.name }}' as name,
        {{ input.name }} as value,
        cast(null as varchar) as label
    from {{ ref('feat_' ~ task) }}
    {%- endif %}
    union all
    {%- endfor %}
    {%- endfor %}
    select
        cast(null as varchar) as task,
        cast(null as varchar) as name,
        cast(null as double) as value,
        cast(null as varchar) as label
    where false

)

select
    'feature' as kind,
    inputs.task,
    newest.feature_fingerprint as reference,
    inputs.name,
    inputs.value,
    inputs.label
from inputs
inner join newest
    on inputs.task = newest.task
{% for name in tabular_tasks() -%}
{%- set task = tasks()[name] -%}
union all
select
    'prediction' as kind,
    '{{ name }}' as task,
    {{ name }}_model_id as reference,
    '{{ task.column }}' as name,
    {{ 'cast(null as double)' if task.labels else task.column }} as value,
    {{ task.column if task.labels else 'cast(null as varchar)' }} as label
from {{ ref(task.predictions[0]) }}
where {{ name }}_model_id is not null and {{ task.column }} is not null
{% endfor %}
{%- for name in registered_tasks_with_rows() %}
{%- for argument in registered_arguments(name) %}
union all
{{ present_values(name, argument) }}
{%- endfor %}
union all
{{ present_predictions(name) }}
{%- endfor %}
