{#- Create the functions anew that hold the served models, where a function holds them: what a promotion ends with. -#}
{% macro renew_functions() -%}
    {{ return(adapter.dispatch('renew_functions')()) }}
{%- endmacro %}

{#- A macro asks ml.champions itself. -#}
{% macro duckdb__renew_functions() -%}
{%- endmacro %}

{% macro snowflake__renew_functions() -%}
    {%- for function in (graph.functions.values() if execute else []) if function.config.meta.snowflake -%}
        {%- do run_query(python_function(
            target.database ~ '.' ~ function.schema ~ '.' ~ function.name,
            function.arguments, function.returns.data_type, 'served', function.config.meta.snowflake
        )) -%}
    {%- endfor -%}
    {%- for name, helper in helpers().items() if execute and helper.module == 'served' -%}
        {%- do run_query(python_function(helper_name(name), helper.arguments, helper.returns, helper.module, name)) -%}
    {%- endfor -%}
{%- endmacro %}
