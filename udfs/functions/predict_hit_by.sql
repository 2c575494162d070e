-- depends_on: {{ function('onnx_predict') }}
{% call(inputs) overloads('hit', leading='algorithm') %}
{{ element('onnx_predict(' ~ newest('hit') ~ ', ' ~ inputs ~ ')', 2) }}
{% endcall %}
