{#- Inputs of the task log_streams, in the model's order. `row` is the prefix of a row, such as 't.'. -#}
{% macro encode_log_streams(row='') -%}
    {% do return(numbers([
        'bpm', 'danceability_pct', 'valence_pct', 'energy_pct', 'acousticness_pct',
        'instrumentalness_pct', 'liveness_pct', 'speechiness_pct',
    ], row)) %}
{%- endmacro %}
