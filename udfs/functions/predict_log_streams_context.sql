-- depends_on: {{ function('onnx_predict') }}
{% call(inputs) overloads('log_streams_context') %}
{{ element('onnx_predict(' ~ champion('log_streams_context') ~ ', ' ~ inputs ~ ')', 1) }}
{% endcall %}
