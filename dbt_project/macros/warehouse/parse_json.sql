{#- JSON text in a shape: {"name": "varchar"} is a struct, ["varchar"] a list. What has another shape is
    NULL in its place, and so is all of a text that is not JSON. See `field`. -#}
{% macro parse_json(text, shape) -%}
    {{ return(adapter.dispatch('parse_json')(text, shape)) }}
{%- endmacro %}

{% macro duckdb__parse_json(text, shape) -%}
    try(from_json({{ text }}, '{{ tojson(shape) }}'))
{%- endmacro %}

{#- It has any shape: `field` asks for the types. -#}
{% macro snowflake__parse_json(text, shape) -%}
    try_parse_json({{ text }})
{%- endmacro %}
