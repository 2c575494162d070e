-- depends_on: {{ function('onnx_predict') }}
{% call(inputs) overloads('popularity', leading='algorithm') %}
{{ element('onnx_predict(' ~ newest('popularity') ~ ', ' ~ inputs ~ ')', 1) }}
{% endcall %}
