-- depends_on: {{ function('onnx_predict') }}
{% call(inputs) overloads('log_streams_context', leading='algorithm') %}
{{ element('onnx_predict(' ~ newest('log_streams_context') ~ ', ' ~ inputs ~ ')', 1) }}
{% endcall %}
