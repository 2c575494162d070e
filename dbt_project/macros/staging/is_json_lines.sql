{#- SQL condition: the file has a playlist in each line, as JSON. As in hitparade/sources/slices.py. -#}
{% macro is_json_lines(file) -%}
    ({%- for ending in ['jsonl', 'ndjson', 'jsonl.gz', 'ndjson.gz'] -%}
        lower({{ file }}) like '%.{{ ending }}'{% if not loop.last %} or {% endif %}
    {%- endfor -%})
{%- endmacro %}
