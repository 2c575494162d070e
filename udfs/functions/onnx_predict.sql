-- depends_on: {{ ref('challengers') }}
{#- The functions of tasks call these. [step_scores] is a placeholder, see ml.stamps. -#}
{%- if has_sql_backend() -%}
    {%- for kind in ['net', 'trees_3', 'trees_6', 'steps'] -%}
        {%- do function('onnx_predict_' ~ kind) -%}
    {%- endfor -%}
{%- endif %}
{{ parameters(['model_id', 'features']) }} list_transform(
    {{ served('model_id', 'features') }}, lambda o: {{ scored('o', 'onnx_predict', '[step_scores]') }}
)[1],
{{ form_by_members('onnx_predict') }}
