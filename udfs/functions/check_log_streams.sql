-- depends_on: {{ function('check_features') }}
{{ check_overloads('log_streams') }}
