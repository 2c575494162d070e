{#- An expression of a type that, where it is evaluated, raises with a message instead. -#}
{% macro raise_error(message, type) -%}
    {{ return(adapter.dispatch('raise_error')(message, type)) }}
{%- endmacro %}

{#- DuckDB's own error() is volatile, and 2.0 refuses volatile functions in the ORDER BY of a window, such as
    rank() over (order by predict_hit(t)); a cast that cannot succeed is not. -#}
{% macro duckdb__raise_error(message, type) -%}
    cast({{ message }} as {{ type }})
{%- endmacro %}

{% macro snowflake__raise_error(message, type) -%}
    cast({{ helper_name('raise_error') }}({{ message }}) as {{ type }})
{%- endmacro %}
