-- depends_on: {{ function('onnx_predict') }}
{% call(inputs) overloads('hit') %}
{{ element('onnx_predict(' ~ champion('hit') ~ ', ' ~ inputs ~ ')', 2) }}
{% endcall %}
