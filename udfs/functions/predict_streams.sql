-- depends_on: {{ function('onnx_predict') }}
{% call(inputs) overloads('log_streams') %}
exp(onnx_predict({{ champion('log_streams') }}, {{ inputs }})[1]) - 1
{% endcall %}
