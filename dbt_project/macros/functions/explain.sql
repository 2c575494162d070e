{#- The largest number of background rows that a prediction is explained against. -#}
{% macro most_background_rows() -%}
    {% do return(64) %}
{%- endmacro %}

{#- The largest number of arguments for which all coalitions are evaluated. More would take too long. -#}
{% macro most_exact_arguments() -%}
    {% do return(5) %}
{%- endmacro %}

{#- For each encoded input of a task, the position of its argument, counted from 1. A one-hot group is last, and all
    its members share one position. -#}
{% macro argument_places(task) -%}
    {% set names = argument_names(task) %}
    {% set places = [] %}
    {% for input in encode(task) %}
        {% do places.append(names.index(input.argument | default(input.name)) + 1) %}
    {% endfor %}
    {% do return(places) %}
{%- endmacro %}

{#- The tasks whose predictions are explained, with the arguments of their functions. -#}
{% macro explained_tasks() -%}
    {% set found = {} %}
    {% for task in tabular_tasks() %}
        {% do found.update({task: argument_names(task)}) %}
    {% endfor %}
    {% for task in registered_tasks() if has_sql_backend() %}
        {% do found.update({task: registered_arguments(task)}) %}
    {% endfor %}
    {% do return(found) %}
{%- endmacro %}

{#- One row with the names of the encoded inputs of a task, and the position of the argument of each. -#}
{% macro encoded_inputs(task) -%}
    {%- if task in registered_tasks() -%}
    select
        '{{ task }}' as task,
        list_transform(versions.inputs, lambda input: struct_extract(input, 'name')) as input_names,
        list_transform(
            list_transform(versions.inputs, lambda input: struct_extract(input, 'name')),
            lambda name: list_position([{{ quoted(registered_arguments(task)) }}], {{ input_group('name') }})
        ) as places
    from {{ ref('model_versions') }} as versions
    inner join {{ ref('champions') }} as champions
        on versions.task = champions.task and versions.model_id = champions.model_id
    where versions.task = '{{ task }}'
    -- A model with the same bytes may have several versions.
    qualify row_number() over (order by versions.version desc nulls last) = 1
    {%- else -%}
    select
        '{{ task }}' as task,
        {{ encoded_names(task) }} as input_names,
        list_transform(
            range(1, len({{ encoded_names(task) }}) + 1),
            lambda i: {{ argument_places(task) }}[least(i, {{ encode(task) | length }})]
        ) as places
    {%- endif -%}
{%- endmacro %}

{#- All coalitions of arguments with each background song: `own` says which arguments come from the explained song, and
    `weights` has the weights of the average and of each argument. -#}
{% macro coalitions(task, count) -%}
    {%- set shares = [] -%}
    {%- for size in range(count) -%}
        {%- set combinations = namespace(count=1) -%}
        {%- for i in range(size) -%}{%- set combinations.count = combinations.count * (count - 1 - i) / (i + 1) -%}{%- endfor -%}
        {%- do shares.append(1 / (count * combinations.count)) -%}
    {%- endfor -%}
    select
        songs.place * {{ 2 ** count }} + chosen.n as number,
        songs.features as background,
        chosen.own,
        list_transform(
            range({{ count + 1 }}),
            lambda i: case
                when i = 0 then case when chosen.size = 0 then 1 else 0 end
                when chosen.own[i] then {{ shares }}[chosen.size]
                else -{{ shares }}[chosen.size + 1]
            end / songs.row_count
        ) as weights
    from (
        select
            members.n,
            bit_count(members.n) as size,
            list_transform(range({{ count }}), lambda i: (members.n >> cast(i as integer)) & 1 = 1) as own
        from range({{ 2 ** count }}) as members (n)
    ) as chosen
    cross join (
        select
            place,
            features,
            count(*) over () as row_count
        from {{ ref('explanation_backgrounds') }}
        where task = '{{ task }}'
    ) as songs
{%- endmacro %}

{#- Two permutations of the arguments for each background song, an order and its reverse, with the columns of
    `coalitions`. In this order one argument after the other takes the value of the explained song. -#}
{% macro permutations(task, count) -%}
    select
        (orders.place * 2 + cast(orders.is_reverse as integer)) * {{ count + 1 }} + steps.n as number,
        orders.features as background,
        list_transform(orders.ranks, lambda r: r <= steps.n) as own,
        list_transform(
            range({{ count + 1 }}),
            lambda i: case
                when i = 0 then case when steps.n = 0 then 1 else 0 end
                when orders.ranks[i] = steps.n then 1
                when orders.ranks[i] = steps.n + 1 then -1
                else 0
            end / orders.row_count
        ) as weights
    from (
        select
            songs.place,
            songs.features,
            directions.is_reverse,
            count(*) over () as row_count,
            list_transform(
                songs.ranks, lambda r: case when directions.is_reverse then {{ count }} + 1 - r else r end
            ) as ranks
        from (
            select
                place,
                features,
                list_transform(
                    list_grade_up(
                        list_transform(range({{ count }}), lambda i: md5(place || ' ' || i)), 'ASC', 'NULLS LAST'
                    ),
                    lambda r: cast(r as integer)
                ) as ranks
            from {{ ref('explanation_backgrounds') }}
            where task = '{{ task }}'
        ) as songs
        cross join (values (true), (false)) as directions (is_reverse)
    ) as orders
    cross join range({{ count + 1 }}) as steps (n)
{%- endmacro %}

{#- The return type of an explanation. -#}
{% macro explanation() -%}
    struct(rank integer, feature varchar, contribution double)[]
{%- endmacro %}
