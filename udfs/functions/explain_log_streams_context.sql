-- depends_on: {{ function('onnx_explain') }}
{% call(inputs) overloads('log_streams_context') %}
onnx_explain('log_streams_context', {{ champion('log_streams_context') }}, {{ inputs }}, 1)
{% endcall %}
