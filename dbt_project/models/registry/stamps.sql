{{ config(enabled=has_sql_backend()) }}

{%- set member = "substr(name, strpos(name, '=') + 1)" -%}
{%- set older = "'onnx_predict is older than the models: run `hitparade build`'" -%}
{%- set without_steps = raise_error(older, 'double[]') -%}
{%- set forms = {'scores of ': '', 'scores by row of ': 't.'} -%}

-- A promotion reads this view, so no build may replace it at the same time.
-- depends_on: {{ ref('genres') }}, {{ ref('challengers') }}
with inputs as (

    select
        champions.task,
        struct_extract(unnest(any_value(registry.inputs)), 'name') as name,
        generate_subscripts(any_value(registry.inputs), 1) as place
    from {{ ref('champions') }} as champions
    inner join {{ ref('registry') }} as registry
        on champions.task = registry.task and champions.model_id = registry.model_id
    group by champions.task

),

vocabularies as (

    select
        task,
        place,
        split_part(name, '=', 1) as input,
        -- as the functions spell the genres that they are given
        coalesce({{ genre_name(member) }}, {{ member }}) as member
    from inputs
    where contains(name, '=') and task in ({{ quoted(tasks().keys()) }})

),

ranges as (

    select
        assignments.task,
        assignments.first_bucket,
        '{model_id: ' || {{ text_as_sql('assignments.model_id') }}
        || ', first_bucket: ' || assignments.first_bucket
        || ', last_bucket: ' || assignments.last_bucket || '}' as bucket
    from {{ source('ml', 'assignments') }} as assignments
    inner join {{ ref('traffic') }} as shares
        on assignments.task = shares.task and assignments.model_id = shares.model_id
    where not shares.is_champion

),

traffic as (

    select
        task,
        {{ list_as_sql('bucket', 'first_bucket') }} as buckets
    from ranges
    group by task

),

texts as (

    select
        task,
        {{ input_group('name') }} as "group",
        {{ list_as_sql(text_as_sql(member), 'place') }} as texts
    from inputs
    where contains(name, '=')
    group by all

),

-- Each encoded input of a registered model, with the column and the texts of its one-hot group.
registered as (

    select
        inputs.task,
        inputs.place,
        inputs.name,
        texts.texts,
        {{ input_group('inputs.name') }} as "group",
        -- its place among the texts of the group; NULL for other inputs
        case
            when contains(inputs.name, '=')
                then row_number() over (
                    partition by inputs.task, {{ input_group('inputs.name') }}
                    order by inputs.place asc nulls last
                )
        end as text_place,
        bool_or(inputs.name = {{ input_group('inputs.name') }} || ' is missing')
            over (partition by inputs.task, {{ input_group('inputs.name') }}) as has_missing,
        bool_or(inputs.name = {{ input_group('inputs.name') }} || ' is other')
            over (partition by inputs.task, {{ input_group('inputs.name') }}) as has_other
    from inputs
    left join texts
        on inputs.task = texts.task and {{ input_group('inputs.name') }} = texts."group"
    where inputs.task not in ({{ quoted(tasks().keys()) }})

),

-- The inputs of the functions of a task, as SQL of their arguments or of the row t.
encoded as (

    {%- for form, row in forms.items() %}
    {%- for task in tabular_tasks() %}
    {#- Inputs of a one-hot group have no expression of their own. -#}
    {%- set has_group = encode(task, row) | selectattr('vocabulary', 'defined') | list %}
    {%- set expressions = [] if has_group else encode(task, row) | map(attribute='expression') | list %}
    select
        '{{ task }}' as task,
        '{{ form }}' as form,
        cast([
            {%- for expression in expressions %}
            {{ text_literal(expression) }}{% if not loop.last %},{% endif %}
            {%- endfor %}
        ] as varchar[]) as expressions,
        {{ text_literal(encoded_arguments(task, row)) }} as arguments
    union all
    {%- endfor %}
    -- The functions of registered models have an argument for each number and each one-hot group.
    select
        task,
        '{{ form }}' as form,
        list({{ registered_input(row) }} order by place asc nulls last) as expressions,
        {{ list_as_sql(registered_input(row), 'place') }} as arguments
    from registered
    group by task
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}

),

scores as (

    select
        '[' || encoded.form || encoded.task || ']' as placeholder,
        case
            when champions.model_id is null then {{ no_champion_scores('encoded.task', 'encoded.arguments') }}
            else {{ champion_scores('served', 'encoded.expressions', 'encoded.arguments') }} -- noqa: PRS
        end as stamp
    from encoded
    left join {{ ref('champions') }} as champions
        on encoded.task = champions.task
    left join {{ source('ml', 'served_models') }} as served
        on champions.model_id = served.model_id

)

select
    placeholder,
    stamp
from scores
union all
select
    '[' || replace(form, 'scores', 'inputs') || task || ']' as placeholder,
    arguments as stamp
from encoded
where task not in ({{ quoted(tasks().keys()) }})
union all
select
    '[champion of ' || task || ']' as placeholder,
    {{ text_as_sql('model_id') }} as stamp
from {{ ref('champions') }}
union all
select
    '[newest of ' || task || ']' as placeholder,
    'map('
    || {{ list_as_sql(text_as_sql('algorithm'), 'algorithm') }}
    || ', '
    || {{ list_as_sql(text_as_sql('model_id'), 'algorithm') }}
    || ')' as stamp
from {{ source('ml', 'served_models') }}
where is_newest
group by task
union all
select
    '[' || input || ' of ' || task || ']' as placeholder,
    {{ list_as_sql(text_as_sql('member'), 'place') }} as stamp
from vocabularies
group by task, input
union all
select
    '[' || input || '_text of ' || task || ']' as placeholder,
    {{ text_as_sql("string_agg(member, ';' order by place asc nulls last)") }} as stamp
from vocabularies
group by task, input
union all
select
    '[champions]' as placeholder,
    'cast(map('
    || {{ list_as_sql(text_as_sql('task'), 'task') }}
    || ', '
    || {{ list_as_sql(text_as_sql('model_id'), 'task') }}
    || ') as map(varchar, varchar))' as stamp
from {{ ref('champions') }}
union all
select
    '[traffic]' as placeholder,
    'cast(map('
    || {{ list_as_sql(text_as_sql('task'), 'task') }}
    || ', '
    || {{ list_as_sql('buckets', 'task') }}
    || ') as map(varchar, struct(model_id varchar, first_bucket integer, last_bucket integer)[]))' as stamp
from traffic
{%- for placeholder, model, x in [
    ('step_scores', 'o.model', 'o.x'), ('mixed_step_scores', 'e.o.model', 'x')
] %}
union all
-- It is planned for each query, so it is left out while no served model needs it.
select
    '[{{ placeholder }}]' as placeholder,
    case
        when count(*) > 0 then {{ text_literal(step_scores(model, x)) }}
        else {{ text_literal(without_steps) }}
    end as stamp
from {{ source('ml', 'served_models') }}
where kind = 'steps'
{%- endfor %}
union all
select
    '[database]' as placeholder,
    '"' || replace(current_database(), '"', '""') || '"' as stamp
