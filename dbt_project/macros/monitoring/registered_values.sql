{#- The values of an argument in the present rows of a registered task: each as a number or a label, and whether it is
    missing. -#}
{% macro present_values(task, argument) -%}
    {%- set is_text = registered_tasks()[task].arguments[argument] == 'varchar' -%}
    {%- set value -%}
    {{ 'cast(' ~ argument ~ ' as varchar)' if is_text else "nullif(cast(" ~ argument ~ " as double), cast('nan' as double))" }}
    {%- endset -%}
    select
        'feature' as kind,
        '{{ task }}' as task,
        cast(null as varchar) as reference,
        '{{ argument }}' as name,
        {{ 'cast(null as double)' if is_text else value }} as value,
        {{ value if is_text else 'cast(null as varchar)' }} as label
    from {{ relation_of(task) }}
    union all
    select
        'feature' as kind,
        '{{ task }}' as task,
        cast(null as varchar) as reference,
        '{{ argument }} is missing' as name,
        cast(null as double) as value,
        cast({{ value }} is null as varchar) as label
    from {{ relation_of(task) }}
{%- endmacro %}

{#- The predictions of the champion of a registered task for its present rows, as numbers or labels. Those that are stored
    are not computed again. -#}
{% macro present_predictions(name) -%}
    {%- set task = registered_tasks()[name] -%}
    {%- set outputs = task.outputs if task.kind == 'numbers' else [none] -%}
    {%- for output in outputs %}
    select
        'prediction' as kind,
        '{{ name }}' as task,
        {{ name }}_model_id as reference,
        '{{ name }}{{ '.' ~ escape_single_quotes(output) if output }}' as name,
        {%- if task.kind in ('number', 'numbers') %}
        {{ name }}{{ '."' ~ output | replace('"', '""') ~ '"' if output }} as value,
        cast(null as varchar) as label
        {%- else %}
        cast(null as double) as value,
        cast({{ name }} as varchar) as label
        {%- endif %}
    {%- if task.predictions %}
    from {{ ref(task.predictions[0]) }}
    {%- else %}
    from (
        select
            champions.model_id as {{ name }}_model_id,
            {{ predicted(function('predict_' ~ name), name, 'present') }} as {{ name }}
        from {{ relation_of(name) }} as present
        inner join {{ ref('champions') }} as champions
            on champions.task = '{{ name }}'
    ) as predicted
    {%- endif %}
    where {{ name }}_model_id is not null and {{ name }} is not null
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}
