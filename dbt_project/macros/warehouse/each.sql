{#- A join: each member of a list is a row, as `<alias>.value`. A row without members has none, or with
    `outer` one without value. On Snowflake a member has no type of its own: cast it, or ask for its `field`. -#}
{% macro each(list, alias, outer=false) -%}
    {{ return(adapter.dispatch('each')(list, alias, outer)) }}
{%- endmacro %}

{% macro duckdb__each(list, alias, outer) -%}
    {%- if outer -%}
    left join unnest({{ list }}) as {{ alias }} (value) on true
    {%- else -%}
    cross join unnest({{ list }}) as {{ alias }} (value)
    {%- endif -%}
{%- endmacro %}

{% macro snowflake__each(list, alias, outer) -%}
    cross join lateral flatten(input => {{ list }}{{ ', outer => true' if outer }}) as {{ alias }}
{%- endmacro %}
