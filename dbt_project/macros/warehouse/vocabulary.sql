{#- The known genres in order, as a list in SQL. Models that use it say `depends_on` the seed. -#}
{% macro vocabulary() -%}
    {{ return(adapter.dispatch('vocabulary')()) }}
{%- endmacro %}

{#- Without the name of a database, so that a renamed file answers as before. -#}
{% macro duckdb__vocabulary() -%}
    (select list(genre order by genre) from staging.genres)
{%- endmacro %}

{#- Written out: a function holds no query of a table where it is called for each row of another. -#}
{% macro snowflake__vocabulary() -%}
    {%- set genres = run_query("select genre from staging.genres order by genre").columns[0].values() if execute else [] -%}
    [{{ quoted(genres) }}]
{%- endmacro %}
