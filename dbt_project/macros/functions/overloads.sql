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

{#- Both forms of a function for a registered model with numeric inputs. A function of one input has no form by
    row, because `f(x)` and `f(t)` would be the same.

        {% call(inputs) number_overloads(['energy', 'valence']) %}
            onnx_predict({{ champion('mood') }}, {{ inputs }})[1]
        {% endcall %}
-#}
{% macro number_overloads(names) -%}
    {%- do ref('stamped_functions') -%}
    ({{ names | join(', ') }}) as {{ caller('[' ~ numbers(names, '') | map(attribute='expression') | join(', ') ~ ']') }}
    {%- if names | length > 1 %},
    (t) as {{ caller('[' ~ numbers(names, 't.') | map(attribute='expression') | join(', ') ~ ']') }}
    {%- endif %}
{%- endmacro %}
