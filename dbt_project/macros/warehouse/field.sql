{#- The value that a struct has under a name; NULL where it is of another type. The type `list` leaves the members as
    they are. -#}
{% macro field(struct, name, type='varchar') -%}
    {{ return(adapter.dispatch('field')(struct, name, type)) }}
{%- endmacro %}

{% macro duckdb__field(struct, name, type) -%}
    struct_extract({{ struct }}, '{{ name }}')
{%- endmacro %}

{% macro snowflake__field(struct, name, type) -%}
    {%- set value = "get(" ~ struct ~ ", '" ~ name ~ "')" -%}
    {{ 'as_array(' ~ value ~ ')' if type == 'list' else 'cast(' ~ value ~ ' as ' ~ type ~ ')' }}
{%- endmacro %}
