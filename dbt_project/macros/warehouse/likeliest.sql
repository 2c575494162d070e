{#- The label with the largest score. -#}
{% macro likeliest(labels, scores) -%}
    {{ return(adapter.dispatch('likeliest')(labels, scores)) }}
{%- endmacro %}

{% macro duckdb__likeliest(labels, scores) -%}
    list_transform([{{ scores }}], lambda s: [{{ quoted(labels) }}][list_position(s, list_max(s))])[1]
{%- endmacro %}

{% macro snowflake__likeliest(labels, scores) -%}
    {{ helper_name('likeliest') }}([{{ quoted(labels) }}], {{ scores }})
{%- endmacro %}
