{#- The columns of a contract with their constraints, to create a table: in the types of this warehouse. -#}
{% macro snowflake__get_table_columns_and_constraints() -%}
    {%- set columns = {} -%}
    {%- for name, column in model.columns.items() -%}
        {%- do columns.update({name: dict(column, data_type=column_type(column.data_type))}) -%}
    {%- endfor -%}
    (
    {%- for column in adapter.render_raw_columns_constraints(raw_columns=columns) %}
        {{ column }}
        {%- if not loop.last %},{% endif %}
    {%- endfor %}
    )
{%- endmacro %}
