{#- The one definition of a task's inputs, used by its feature table and by its SQL functions, so
    that training and serving cannot drift apart.

    An input is a dictionary: `name`, `expression`, and where they differ from the name, `argument`,
    the column or function argument it is made from, or `vocabulary`, the known members of a one-hot group: such an
    input is a list with one number for each member. It stands last. -#}
{% macro encode(task, row='') -%}
    {% if task not in tasks() %}
        {% do exceptions.raise_compiler_error("no task " ~ task ~ ": use one of " ~ tasks() | join(', ')) %}
    {% endif %}
    {% do return(tasks()[task].encoder(row)) %}
{%- endmacro %}

{#- The tasks that are generated from tasks/: a row for each example, and functions of their own. -#}
{% macro tabular_tasks() -%}
    {% set found = [] %}
    {% for name, task in tasks().items() if task.entity is defined %}
        {% do found.append(name) %}
    {% endfor %}
    {% do return(found) %}
{%- endmacro %}

{#- Inputs that are used as numbers without conversion. -#}
{% macro numbers(names, row) -%}
    {% set inputs = [] %}
    {% for name in names %}
        {% do inputs.append(number(name, row)) %}
    {% endfor %}
    {% do return(inputs) %}
{%- endmacro %}

{#- A number as it stands. -#}
{% macro number(name, row) -%}
    {% do return({'name': name, 'expression': 'cast(' ~ row ~ name ~ ' as double)'}) %}
{%- endmacro %}

{#- A number that the publisher writes as 0 where it could not tell: missing. -#}
{% macro known_number(name, row) -%}
    {% do return({'name': name, 'expression': 'nullif(cast(' ~ row ~ name ~ ' as double), 0)'}) %}
{%- endmacro %}

{#- True or false as 1 or 0. -#}
{% macro flag(name, row) -%}
    {% do return({'name': name, 'expression': flag_number(row ~ name)}) %}
{%- endmacro %}

{#- A list of texts as a one-hot group: 1 for each member of the vocabulary that the row has. An unknown text is
    nothing, an empty list is all zeros, and NULL makes every place NULL. -#}
{% macro one_hot_group(name, row) -%}
    {% do return({'name': name, 'vocabulary': vocabulary(), 'expression': one_hot(row ~ name, vocabulary())}) %}
{%- endmacro %}

{#- What a row or a call must give, in order. -#}
{% macro argument_names(task) -%}
    {% set names = [] %}
    {% for input in encode(task) %}
        {% set name = input.argument | default(input.name) %}
        {% do names.append(name) if name not in names %}
    {% endfor %}
    {% do return(names) %}
{%- endmacro %}

{#- The inputs as columns, for a feature table. -#}
{% macro encoded_columns(task, row='') -%}
    {%- for input in encode(task, row) %}
    {{ input.expression }} as {{ input.name }}
    {%- if not loop.last %},{% endif %}
    {%- endfor %}
{%- endmacro %}

{#- The inputs as one list, for a function. -#}
{% macro encoded_list(task, row='') -%}
    {%- set inputs = encode(task, row) -%}
    {%- set single = '[' ~ inputs | rejectattr('vocabulary', 'defined') | map(attribute='expression') | join(', ') ~ ']' -%}
    {{ concatenated([single] + inputs | selectattr('vocabulary', 'defined') | map(attribute='expression') | list) }}
{%- endmacro %}

{#- Names of the encoded inputs in order, as a list in SQL: a one-hot group has one for each member. -#}
{% macro encoded_names(task) -%}
    {%- set inputs = encode(task) -%}
    {%- set lists = ["['" ~ inputs | rejectattr('vocabulary', 'defined') | map(attribute='name') | join("', '") ~ "']"] -%}
    {%- for input in inputs | selectattr('vocabulary', 'defined') -%}
        {%- do lists.append(block_names(input.name, input.vocabulary)) -%}
    {%- endfor -%}
    {{ concatenated(lists) }}
{%- endmacro %}

{#- One list or two, one after the other. -#}
{% macro concatenated(lists) -%}
    {{ lists[0] if lists | length == 1 else 'array_cat(' ~ lists | join(', ') ~ ')' }}
{%- endmacro %}

{#- True where no input is missing: the rows that can be trained on. -#}
{% macro has_all_inputs(task, row='') -%}
    {%- for input in encode(task, row) -%}
    {{ row ~ input.name if input.vocabulary is defined else input.expression }} is not null
    {%- if not loop.last %} and {% endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- Names of the inputs that the functions of a task give its model, a list in SQL. A task that came with a
    registered model has the arguments of its function; NULL where it has none yet. -#}
{% macro function_inputs(task) -%}
    case {{ task }}
        {%- for name in tasks() %}
        when '{{ name }}' then {{ encoded_names(name) }}
        {%- endfor %}
        else {{ function_parameters("'predict_' || " ~ task) }}
    end
{%- endmacro %}

{#- True where a model's inputs are those that the task's functions give it, by name and in order.
    A task without functions fits by definition. -#}
{% macro fits_functions(task, inputs) -%}
    coalesce(
        array_to_string({{ input_names(inputs) }}, ', ') = array_to_string({{ function_inputs(task) }}, ', '), true
    )
{%- endmacro %}

{#- Names of a model's inputs in order, as a SQL list. -#}
{% macro input_names(inputs) -%}
    {{ list_field(inputs, 'name') }}
{%- endmacro %}
