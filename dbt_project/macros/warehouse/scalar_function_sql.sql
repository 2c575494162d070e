{#- How a function resource comes into being. dbt-duckdb has no functions of its own: a persisted
    macro with all its forms is one, and its description is a comment in the catalog. -#}
{% macro duckdb__scalar_function_sql(target_relation) -%}
    create or replace macro {{ target_relation }}
    {{ model.compiled_code }};
    comment on macro {{ target_relation }} is {{ duckdb_escape_comment(model.description | trim) }};
{%- endmacro %}
