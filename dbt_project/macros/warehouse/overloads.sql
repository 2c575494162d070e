{#- All forms of a typed function. The call block says what to do with the encoded inputs. `leading` is an argument
    that stands before them.

        {% call(inputs) overloads('hit') %}
            onnx_predict({{ champion('hit') }}, {{ inputs }})
        {% endcall %}
-#}
{% macro overloads(task, leading=none) -%}
    {{ return(adapter.dispatch('overloads')(task, leading, caller)) }}
{%- endmacro %}

{#- By arguments, `f(a, b)`, and by row, `f(t)`. -#}
{% macro duckdb__overloads(task, leading, body) -%}
    {%- set names = argument_names(task) -%}
    {%- set leading = [leading] if leading else [] -%}
    ({{ (leading + names) | join(', ') }}) as {{ body(encoded_list(task)) }},
    ({{ (leading + ['t']) | join(', ') }}) as {{ body(encoded_list(task, 't.')) }}
{%- endmacro %}

{#- By arguments alone: a function takes no row. -#}
{% macro snowflake__overloads(task, leading, body) -%}
    {{ body(encoded_list(task)) }}
{%- endmacro %}
