{#- Fails for each model whose graph is not stored. -#}
{% test bytes_are_stored(model) %}
{{ lost_artifacts(model) }}
{% endtest %}
