{#- What stands before the body of a function. -#}
{% macro parameters(names) -%}
    {{ return(adapter.dispatch('parameters')(names)) }}
{%- endmacro %}

{#- A macro has its parameters in its text, for each form of its own. -#}
{% macro duckdb__parameters(names) -%}
    ({{ names | join(', ') }}) as
{%- endmacro %}

{#- A function has them, with their types, from the YAML. -#}
{% macro snowflake__parameters(names) -%}
{%- endmacro %}
