{#- Names of a block's places, such as genres=pop. -#}
{% macro block_names(name, vocabulary) -%}
    {{ return(adapter.dispatch('block_names')(name, vocabulary)) }}
{%- endmacro %}

{% macro duckdb__block_names(name, vocabulary) -%}
    list_transform({{ vocabulary }}, lambda member: '{{ name }}=' || member)
{%- endmacro %}

{% macro snowflake__block_names(name, vocabulary) -%}
    {{ helper_name('block_names') }}('{{ name }}', {{ vocabulary }})
{%- endmacro %}
