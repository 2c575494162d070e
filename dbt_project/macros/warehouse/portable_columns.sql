{#- The portable form of a model as columns: those of ml.served_models after `inputs`. -#}
{% macro portable_columns(portable) -%}
    {{ return(adapter.dispatch('portable_columns')(portable)) }}
{%- endmacro %}

{% macro duckdb__portable_columns(portable) -%}
    unnest({{ portable }}) -- noqa: AL03, its fields are columns of their own
{%- endmacro %}

{#- No model has one there: functions run the graphs themselves. -#}
{% macro snowflake__portable_columns(portable) -%}
    {%- for name, type in portable_types().items() %}
    cast(null as {{ column_type(type) }}) as {{ name }}
    {%- if not loop.last %},{% endif %}
    {%- endfor %}
{%- endmacro %}
