{#- JSON text in a shape: {"name": "varchar"} is a struct, ["varchar"] a list, "json" leaves text. What
    has another shape is NULL in its place, and so is all of a text that is not JSON. -#}
{% macro parse_json(text, shape) -%}
    {{ return(adapter.dispatch('parse_json')(text, shape)) }}
{%- endmacro %}

{% macro duckdb__parse_json(text, shape) -%}
    try(from_json({{ text }}, '{{ tojson(shape) }}'))
{%- endmacro %}

{#- True where a text is JSON. -#}
{% macro is_json(text) -%}
    {{ return(adapter.dispatch('is_json')(text)) }}
{%- endmacro %}

{% macro duckdb__is_json(text) -%}
    json_valid({{ text }})
{%- endmacro %}
