-- depends_on: {{ function('onnx_predict') }}
{% call(inputs) overloads('tier') %}
{{ by_label(tier_names(), 'onnx_predict(' ~ champion('tier') ~ ', ' ~ inputs ~ ')') }}
{% endcall %}
