-- depends_on: {{ function('onnx_explain') }}
{% call(inputs) overloads('popularity') %}
onnx_explain('popularity', {{ champion('popularity') }}, {{ inputs }}, 1)
{% endcall %}
