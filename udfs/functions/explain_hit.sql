-- depends_on: {{ function('onnx_explain') }}
{% call(inputs) overloads('hit') %}
onnx_explain('hit', {{ champion('hit') }}, {{ inputs }}, 2)
{% endcall %}
