{% call(inputs) overloads('log_streams_context') %}
{{ inputs }}
{% endcall %}
