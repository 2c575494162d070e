{#- A task's check: its features, and unknown members of its one-hot groups. -#}
{% macro check(task, row) -%}
    {%- set findings = ['check_features(' ~ champion(task) ~ ', ' ~ encoded_list(task, row) ~ ')'] -%}
    {%- for input in encode(task, row) | selectattr('vocabulary', 'defined') -%}
        {%- do findings.append(unknown_members(input.name, input.vocabulary, row)) -%}
    {%- endfor -%}
    {{ concatenated(findings) }}
{%- endmacro %}

{#- Strings as SQL literals. -#}
{% macro quoted(texts) -%}
    {%- for text in texts %}'{{ escape_single_quotes(text) }}'{% if not loop.last %}, {% endif %}{% endfor -%}
{%- endmacro %}
