{#- The columns of a contract, as dbt asks for them: to create the table, and to compare the query with. -#}
{% macro snowflake__get_table_columns_and_constraints() -%}
    (
    {%- for column in model.columns.values() %}
        {{ column.name }} {{ column_type(column.data_type) }}
        {%- if not loop.last %},{% endif %}
    {%- endfor %}
    )
{%- endmacro %}

{% macro snowflake__get_empty_schema_sql(columns) -%}
    select
    {%- for column in columns.values() %}
        cast(null as {{ column_type(column.data_type) }}) as {{ column.name }}
        {%- if not loop.last %},{% endif %}
    {%- endfor %}
{%- endmacro %}
