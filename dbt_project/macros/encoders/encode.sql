{#- The one definition of a task's inputs, used by its feature table and by its SQL functions, so
    that training and serving cannot drift apart.

    An input is a dictionary with `name` and `expression`. `argument` is the column or function argument that it is
    made from, if its name differs. `vocabulary` has the known members of a one-hot group. Such an input is a list
    with one number for each member, and it is the last input. -#}
{% macro encode(task, row='') -%}
    {% if task not in tasks() %}
        {% do exceptions.raise_compiler_error("there is no task " ~ task ~ ": use one of " ~ tasks() | join(', ')) %}
    {% endif %}
    {% do return(tasks()[task].encoder(row)) %}
{%- endmacro %}

{#- Names of the tasks that are generated from tasks/. -#}
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

{#- An input that is used as a number without conversion. -#}
{% macro number(name, row) -%}
    {% do return({'name': name, 'expression': 'cast(' ~ row ~ name ~ ' as double)'}) %}
{%- endmacro %}

{#- An input for which a number stands for a missing value, such as 0. -#}
{% macro known_number(name, row, missing) -%}
    {% do return({'name': name, 'expression': 'nullif(cast(' ~ row ~ name ~ ' as double), ' ~ missing ~ ')'}) %}
{%- endmacro %}

{#- A boolean input as 1 or 0. -#}
{% macro flag(name, row) -%}
    {% do return({'name': name, 'expression': flag_number(row ~ name)}) %}
{%- endmacro %}

{#- A list of strings as a one-hot group: 1 for each member of the vocabulary that the row has, otherwise 0. An unknown
    string is ignored. An empty list gives only zeros. NULL gives only NULLs. -#}
{% macro one_hot_group(task, name, row) -%}
    {% set known = vocabulary(task, name) %}
    {% do return({'name': name, 'vocabulary': known, 'expression': one_hot(row ~ name, known)}) %}
{%- endmacro %}

{#- Names of the columns or arguments that a task needs, in order. -#}
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

{#- Names of the encoded inputs in order, as a SQL list. A one-hot group has one name for each member. DuckDB only. -#}
{% macro encoded_names(task) -%}
    {%- set inputs = encode(task) -%}
    {%- set lists = ['[' ~ quoted(inputs | rejectattr('vocabulary', 'defined') | map(attribute='name')) ~ ']'] -%}
    {%- for input in inputs | selectattr('vocabulary', 'defined') -%}
        {%- do lists.append('list_transform(' ~ input.vocabulary ~ ", lambda member: '" ~ input.name ~ "=' || member)") -%}
    {%- endfor -%}
    {{ concatenated(lists) }}
{%- endmacro %}

{#- SQL lists joined into one. -#}
{% macro concatenated(lists) -%}
    {{ lists[0] if lists | length == 1 else 'array_cat(' ~ lists | join(', ') ~ ')' }}
{%- endmacro %}

{#- True if no input is missing, so that the row can be used for training. -#}
{% macro has_all_inputs(task, row='') -%}
    {%- for input in encode(task, row) -%}
    {{ row ~ input.name if input.vocabulary is defined else input.expression }} is not null
    {%- if not loop.last %} and {% endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- Names of the inputs that a task's functions pass to its model, as a SQL list. A one-hot group is one input, because
    a function takes its members from the model. For the task of a registered model these are the arguments of its
    function; NULL if it has no function yet. -#}
{% macro function_inputs(task) -%}
    case {{ task }}
        {%- for name in tasks() %}
        when '{{ name }}' then [{{ quoted(encode(name) | map(attribute='name')) }}]
        {%- endfor %}
        else {{ function_parameters("'predict_' || " ~ task) }}
    end
{%- endmacro %}

{#- True if a model's inputs match those of the task's functions, by name and order. Always true for a task
    without functions. -#}
{% macro fits_functions(task, inputs) -%}
    coalesce(
        array_to_string({{ input_groups(inputs) }}, ', ') = array_to_string({{ function_inputs(task) }}, ', '), true
    )
{%- endmacro %}

{#- Names of a model's inputs in order, as a SQL list. -#}
{% macro input_names(inputs) -%}
    {{ list_field(inputs, 'name') }}
{%- endmacro %}
