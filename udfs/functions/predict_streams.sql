-- depends_on: {{ function('onnx_predict') }}
{% call(inputs) overloads('log_streams') %}
nullif(exp(onnx_predict({{ champion('log_streams') }}, {{ inputs }})[1]), 'inf') - 1
{% endcall %}
