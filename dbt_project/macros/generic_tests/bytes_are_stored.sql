{#- Fails for each model whose graph is not where it should be. -#}
{% test bytes_are_stored(model) %}
{{ lost_artifacts(model) }}
{% endtest %}
