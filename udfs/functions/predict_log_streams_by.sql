-- depends_on: {{ function('onnx_predict') }}
{% call(inputs) overloads('log_streams', leading='algorithm') %}
{{ element('onnx_predict(' ~ newest('log_streams') ~ ', ' ~ inputs ~ ')', 1) }}
{% endcall %}
