{#- How a function resource comes into being. dbt-duckdb has no functions of its own: a persisted
    macro with all its forms is one, and its description is a comment in the catalog. -#}
{% macro duckdb__scalar_function_sql(target_relation) -%}
    create or replace macro {{ target_relation }}
    {{ model.compiled_code }};
    comment on macro {{ target_relation }} is {{ duckdb_escape_comment(model.description | trim) }};
{%- endmacro %}

{#- A function of SQL, or one of Python where its YAML says so: `meta.snowflake` names the function of
    udfs/snowflake/served.py that answers. -#}
{% macro snowflake__scalar_function_sql(target_relation) -%}
    {%- if model.config.meta.snowflake -%}
    {{ python_function(target_relation, model.arguments, model.returns.data_type, 'served', model.config.meta.snowflake) }}
    {%- else -%}
    create or replace function {{ target_relation }} ({{ function_arguments(model.arguments) }}) copy grants
    returns {{ column_type(model.returns.data_type) }}
    as
    $$
    {{ model.compiled_code }}
    $$
    {%- endif -%}
{%- endmacro %}
