{#- The registered tasks whose present rows are declared. Only DuckDB has registered models. -#}
{% macro registered_tasks_with_rows() -%}
    {%- set found = [] -%}
    {%- for name, task in registered_tasks().items() if task.relation and has_sql_backend() -%}
        {%- do found.append(name) -%}
    {%- endfor -%}
    {%- do return(found) -%}
{%- endmacro %}

{#- The values of an argument in the present rows of a registered task: each as a number or a label, and whether it is
    missing. Texts that the champion does not know have one label, as in example_values. -#}
{% macro present_values(task, argument) -%}
    {%- set is_text = registered_tasks()[task].arguments[argument] == 'varchar' -%}
    {%- set number = "nullif(cast(present." ~ argument ~ " as double), cast('nan' as double))" -%}
    {%- set text = 'cast(present.' ~ argument ~ ' as varchar)' -%}
    select
        'feature' as kind,
        '{{ task }}' as task,
        cast(null as varchar) as reference,
        '{{ argument }}' as name,
        {%- if is_text %}
        cast(null as double) as value,
        case
            when list_contains(known.texts, {{ text }}) then {{ text }}
            when {{ text }} is not null then '(other)'
        end as label
        {%- else %}
        {{ number }} as value,
        cast(null as varchar) as label
        {%- endif %}
    from {{ relation_of(task) }} as present
    {%- if is_text %}
    cross join (
        select coalesce(list(substr(inputs.name, {{ argument | length + 2 }})), cast([] as varchar[])) as texts
        from (
            select unnest(list_transform(versions.inputs, lambda input: struct_extract(input, 'name'))) as name
            from {{ ref('model_versions') }} as versions
            inner join {{ ref('champions') }} as champions
                on versions.task = champions.task and versions.model_id = champions.model_id
            where versions.task = '{{ task }}'
        ) as inputs
        where starts_with(inputs.name, '{{ argument }}=')
    ) as known
    {%- endif %}
    union all
    select
        'feature' as kind,
        '{{ task }}' as task,
        cast(null as varchar) as reference,
        '{{ argument }} is missing' as name,
        cast(null as double) as value,
        cast({{ text if is_text else number }} is null as varchar) as label
    from {{ relation_of(task) }} as present
{%- endmacro %}

{#- The predictions of the champion of a registered task for its present rows, as numbers or labels. Those that are stored
    are not computed again. -#}
{% macro present_predictions(name) -%}
    {%- set task = registered_tasks()[name] -%}
    {%- set is_struct = task.kind == 'numbers' -%}
    select
        'prediction' as kind,
        '{{ name }}' as task,
        predicted.model_id as reference,
        {%- if is_struct %}
        '{{ name }}.' || outputs.name as name,
        case outputs.name
            {%- for output in task.outputs %}
            when {{ text_literal(output) }} then predicted.answer."{{ output | replace('"', '""') }}"
            {%- endfor %}
        end as value,
        cast(null as varchar) as label
        {%- elif task.kind == 'number' %}
        '{{ name }}' as name,
        predicted.answer as value,
        cast(null as varchar) as label
        {%- else %}
        '{{ name }}' as name,
        cast(null as double) as value,
        cast(predicted.answer as varchar) as label
        {%- endif %}
    from (
        {%- if task.predictions %}
        select
            {{ name }}_model_id as model_id,
            {{ name }} as answer
        from {{ ref(task.predictions[0]) }}
        {%- else %}
        select
            champions.model_id,
            {{ predicted(function('predict_' ~ name), name, 'present') }} as answer
        from {{ relation_of(name) }} as present
        inner join {{ ref('champions') }} as champions
            on champions.task = '{{ name }}'
        {%- endif %}
    ) as predicted
    {%- if is_struct %}
    cross join (
        values
        {%- for output in task.outputs %}
        ({{ text_literal(output) }}){% if not loop.last %},{% endif %}
        {%- endfor %}
    ) as outputs (name)
    {%- endif %}
    where predicted.model_id is not null and predicted.answer is not null
{%- endmacro %}
