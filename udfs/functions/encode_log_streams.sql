{% call(inputs) overloads('log_streams') %}
{{ inputs }}
{% endcall %}
