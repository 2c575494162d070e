{#- Names and types of a raw table's columns: text, unless its YAML says otherwise. -#}
{% macro raw_columns(table) -%}
    {%- for column in table.columns.values() -%}
        {{ column_name(column.name) }} {{ column.data_type or 'varchar' }}
        {%- if not loop.last %}, {% endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- Fill a raw table from a CSV file. -#}
{% macro copy_csv(relation, file) -%}
    {%- do run_query(
        "copy into " ~ relation ~ " from @" ~ raw_stage() ~ "/" ~ file
        ~ " file_format = (type = csv skip_header = 1 field_optionally_enclosed_by = '\"' escape_unenclosed_field = none"
        ~ " null_if = ('\\\\N') empty_field_as_null = false compression = gzip) on_error = abort_statement"
    ) -%}
{%- endmacro %}

{#- Fill a raw table from a file with one JSON object per line, through a table with the objects. -#}
{% macro copy_json(relation, table, file) -%}
    {%- set objects = relation ~ '_objects' -%}
    {%- do run_query("create or replace transient table " ~ objects ~ " (line variant)") -%}
    {%- do run_query(
        "copy into " ~ objects ~ " from @" ~ raw_stage() ~ "/" ~ file
        ~ " file_format = (type = json compression = gzip) on_error = abort_statement"
    ) -%}
    {%- set columns = [] -%}
    {%- for column in table.columns.values() -%}
        {%- do columns.append(field('line', column.name, column.data_type or 'varchar') ~ ' as ' ~ column_name(column.name)) -%}
    {%- endfor -%}
    {%- do run_query("insert into " ~ relation ~ " select " ~ columns | join(', ') ~ " from " ~ objects) -%}
    {%- do run_query("drop table " ~ objects) -%}
{%- endmacro %}
