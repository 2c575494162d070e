{#- What ends the transaction of `begin_hook`. -#}
{% macro commit_hook() -%}
    {{ return(adapter.dispatch('commit_hook')()) }}
{%- endmacro %}

{% macro duckdb__commit_hook() -%}
{%- endmacro %}

{% macro snowflake__commit_hook() -%}
    commit;
{%- endmacro %}
