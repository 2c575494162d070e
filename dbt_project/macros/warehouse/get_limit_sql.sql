{#- How `dbt show` takes the first rows: around the query, which may have a limit of its own. -#}
{% macro duckdb__get_limit_sql(sql, limit) -%}
    {%- if limit is none or limit == -1 -%}
        {{ sql }}
    {%- else -%}
        select * from (
        {{ sql }}
        ) limit {{ limit }}
    {%- endif -%}
{%- endmacro %}
