{#- Names of the arguments of a function of this database, by arguments and not by row, as a list; NULL where
    there is no such function. -#}
{% macro function_parameters(name) -%}
    {{ return(adapter.dispatch('function_parameters')(name)) }}
{%- endmacro %}

{% macro duckdb__function_parameters(name) -%}
    (
        select any_value(functions.parameters)
        from duckdb_functions() as functions
        where
            functions.function_name = {{ name }}
            and functions.database_name = current_database()
            and functions.parameters <> ['t']
    )
{%- endmacro %}

{#- Models from outside, whose functions this asks for, are registered in DuckDB alone. -#}
{% macro snowflake__function_parameters(name) -%}
    cast(null as array)
{%- endmacro %}
