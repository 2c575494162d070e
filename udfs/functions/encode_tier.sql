-- depends_on: {{ ref('genres') }}
{% call(inputs) overloads('tier') %}
{{ inputs }}
{% endcall %}
