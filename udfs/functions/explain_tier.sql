-- depends_on: {{ function('onnx_explain') }}
{% call(inputs) overloads('tier') %}
onnx_explain('tier', {{ champion('tier') }}, {{ inputs }}, null)
{% endcall %}
