-- depends_on: {{ function('onnx_predict') }}
{% call(inputs) overloads('tier', leading='algorithm') %}
{{ likeliest(tier_names(), 'onnx_predict(' ~ newest('tier') ~ ', ' ~ inputs ~ ')') }}
{% endcall %}
