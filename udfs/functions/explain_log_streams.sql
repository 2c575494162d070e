-- depends_on: {{ function('onnx_explain') }}
{% call(inputs) overloads('log_streams') %}
onnx_explain('log_streams', {{ champion('log_streams') }}, {{ inputs }}, 1)
{% endcall %}
