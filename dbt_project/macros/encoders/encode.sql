{#- The one definition of a task's inputs, used by its feature table and by its SQL functions, so
    that training and serving cannot drift apart. -#}
{% macro encode(task, row='') -%}
    {% if task not in tasks() %}
        {% do exceptions.raise_compiler_error("no task " ~ task ~ ": use one of " ~ tasks() | join(', ')) %}
    {% endif %}
    {% do return(tasks()[task](row)) %}
{%- endmacro %}

{#- Every task and its encoder. -#}
{% macro tasks() -%}
    {% do return({'log_streams': encode_log_streams, 'hit': encode_hit}) %}
{%- endmacro %}

{#- Names of the inputs in order. -#}
{% macro input_names(task) -%}
    {% do return(encode(task) | map(attribute='name') | list) %}
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
    [{{ encode(task, row) | map(attribute='expression') | join(', ') }}]
{%- endmacro %}

{#- True where no input is missing: the rows that can be trained on. -#}
{% macro has_all_inputs(task, row='') -%}
    {%- for input in encode(task, row) -%}
    {{ input.expression }} is not null {%- if not loop.last %} and {% endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- True where a model's inputs are those that the task's functions give it, by name and in order.
    A task without functions of its own fits by definition. -#}
{% macro fits_functions(task, inputs) -%}
    case {{ task }}
        {%- for name in tasks() %}
        when '{{ name }}' then [input.name for input in {{ inputs }}] = ['{{ input_names(name) | join("', '") }}']
        {%- endfor %}
        else true
    end
{%- endmacro %}
