{{ config(schema='ml', enabled=has_sql_backend()) }}

{%- set watched = registered_tasks_with_rows() %}

-- Only of tasks whose present rows are declared: the values of others are compared with nothing.
with champions as (

    select
        registry.task,
        registry.feature_fingerprint as reference,
        registry.inputs,
        registry.examples
    from {{ ref('registry') }} as registry
    inner join {{ ref('champions') }} as champions
        on registry.task = champions.task and registry.model_id = champions.model_id
    where
        registry.origin = 'registered'
        and registry.examples is not null
        and registry.task in ({{ quoted(watched) if watched else "''" }})
    -- A model with the same bytes may have several versions.
    qualify row_number() over (partition by registry.task order by registry.version desc nulls last) = 1

),

rows_of_examples as (

    select
        task,
        reference,
        inputs,
        unnest(examples) as features,
        generate_subscripts(examples, 1) as place
    from champions

),

encoded as (

    select
        task,
        reference,
        place,
        struct_extract(unnest(inputs), 'name') as name,
        unnest(features) as value
    from rows_of_examples

),

-- A text has an input for each known text of its column, and possibly one for others and one for NULL.
columns as (

    select
        task,
        reference,
        place,
        {{ input_group('name') }} as name,
        max(case when name = {{ input_group('name') }} and not isnan(value) then value end) as value,
        max(case
            when contains(name, '=') and value = 1 then substr(name, strpos(name, '=') + 1)
            when name = {{ input_group('name') }} || ' is other' and value = 1 then '(other)'
        end) as label
    from encoded
    group by all

)

select
    'feature' as kind,
    task,
    reference,
    name,
    value,
    label
from columns
union all
select
    'feature' as kind,
    task,
    reference,
    name || ' is missing' as name,
    cast(null as double) as value,
    cast(value is null and label is null as varchar) as label
from columns
