{#- The type of a column or an argument, as this warehouse calls it. -#}
{% macro column_type(type) -%}
    {{ return(adapter.dispatch('column_type')(type)) }}
{%- endmacro %}

{% macro duckdb__column_type(type) -%}
    {%- do return(type) -%}
{%- endmacro %}

{#- Lists and structs have no types of their parts: they are values of any kind. -#}
{% macro snowflake__column_type(type) -%}
    {%- if type.endswith('[]') -%}
        {%- do return('array') -%}
    {%- elif type.startswith('struct') -%}
        {%- do return('object') -%}
    {%- endif -%}
    {%- do return({'blob': 'binary', 'float': 'double'}.get(type, type)) -%}
{%- endmacro %}
