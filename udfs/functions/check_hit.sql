-- depends_on: {{ function('check_features') }}
{% call(inputs) overloads('hit') %}
check_features({{ champion('hit') }}, {{ inputs }})
{% endcall %}
