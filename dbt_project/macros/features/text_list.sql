{#- Strings as the list of a SQL `in`. An empty list matches nothing. -#}
{% macro text_list(texts) -%}
    {%- for text in texts -%} '{{ escape_single_quotes(text) }}', {% endfor -%} null
{%- endmacro %}
