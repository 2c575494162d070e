-- depends_on: {{ function('onnx_predict') }}
{% call(inputs) overloads('popularity') %}
{{ element('onnx_predict(' ~ champion('popularity') ~ ', ' ~ inputs ~ ')', 1) }}
{% endcall %}
