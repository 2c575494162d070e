{% call(inputs) overloads('hit') %}
{{ inputs }}
{% endcall %}
