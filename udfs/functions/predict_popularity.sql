-- depends_on: {{ function('onnx_predict') }}
{% call(inputs) overloads('popularity') %}
onnx_predict({{ champion('popularity') }}, {{ inputs }})[1]
{% endcall %}
