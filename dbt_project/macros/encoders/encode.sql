{#- The one definition of a task's inputs, used by its feature table and by its SQL functions, so
    that training and serving cannot drift apart. -#}
{% macro encode(task, row='') -%}
    {% set encoders = {'log_streams': encode_log_streams, 'hit': encode_hit} %}
    {% if task not in encoders %}
        {% do exceptions.raise_compiler_error(
            "no task " ~ task ~ ": use one of " ~ encoders | join(', ')
        ) %}
    {% endif %}
    {% do return(encoders[task](row)) %}
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
