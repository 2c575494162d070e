{#- Whole hours since a time in UTC. -#}
{% macro hours_since(moment) -%}
    cast(floor(datediff('second', {{ moment }}, {{ utc_now() }}) / 3600) as integer)
{%- endmacro %}
