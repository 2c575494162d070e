-- depends_on: {{ ref('genres') }}
{% call(inputs) overloads('popularity') %}
{{ inputs }}
{% endcall %}
