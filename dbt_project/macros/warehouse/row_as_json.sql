{#- A row of the relation with this alias as JSON text; `columns` are all its columns. -#}
{% macro row_as_json(alias, columns) -%}
    {{ return(adapter.dispatch('row_as_json')(alias, columns)) }}
{%- endmacro %}

{% macro duckdb__row_as_json(alias, columns) -%}
    cast(to_json({{ alias }}) as varchar)
{%- endmacro %}

{#- Named one by one: a wildcard would write the names in capitals. -#}
{% macro snowflake__row_as_json(alias, columns) -%}
    to_json(object_construct_keep_null(
        {%- for name in columns %}'{{ name }}', {{ alias }}.{{ column_name(name) }}{% if not loop.last %}, {% endif %}{% endfor -%}
    ))
{%- endmacro %}
