{#- A query without rows that has the columns of a contract, to compare a model with: in the types of this warehouse. -#}
{% macro snowflake__get_empty_schema_sql(columns) -%}
    select
    {%- for column in columns.values() %}
        cast(null as {{ column_type(column.data_type) }}) as {{ column.name }}
        {%- if not loop.last %},{% endif %}
    {%- endfor %}
{%- endmacro %}
