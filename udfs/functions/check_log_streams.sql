-- depends_on: {{ function('check_features') }}
{% call(inputs) overloads('log_streams') %}
check_features({{ champion('log_streams') }}, {{ inputs }})
{% endcall %}
