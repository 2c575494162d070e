{#- What a dictionary has under a key, as text; NULL where it has no such key. -#}
{% macro look_up(key, values) -%}
    {{ return(adapter.dispatch('look_up')(key, values)) }}
{%- endmacro %}

{% macro duckdb__look_up(key, values) -%}
    cast(map([{{ quoted(values.keys()) }}], [{{ quoted(values.values()) }}])[{{ key }}] as varchar)
{%- endmacro %}
