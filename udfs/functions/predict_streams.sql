-- depends_on: {{ function('onnx_predict') }}
{% call(inputs) overloads('log_streams') %}
nullif(exp({{ element('onnx_predict(' ~ champion('log_streams') ~ ', ' ~ inputs ~ ')', 1) }}), cast('inf' as double)) - 1
{% endcall %}
