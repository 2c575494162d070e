-- depends_on: {{ function('onnx_predict') }}
{% call(inputs) overloads('log_streams') %}
{{ element('onnx_predict(' ~ champion('log_streams') ~ ', ' ~ inputs ~ ')', 1) }}
{% endcall %}
