-- depends_on: {{ function('onnx_predict') }}
{% call(inputs) overloads('tier') %}
{{ likeliest(tier_names(), 'onnx_predict(' ~ champion('tier') ~ ', ' ~ inputs ~ ')') }}
{% endcall %}
