{#- Inputs of the task log_streams, in the model's order. `row` is the prefix of a row, such as 't.'. -#}
{% macro encode_log_streams(row='') -%}
    {% set names = [
        'bpm', 'danceability_pct', 'valence_pct', 'energy_pct', 'acousticness_pct',
        'instrumentalness_pct', 'liveness_pct', 'speechiness_pct',
    ] %}
    {% set inputs = [] %}
    {% for name in names %}
        {% do inputs.append({'name': name, 'expression': 'cast(' ~ row ~ name ~ ' as double)'}) %}
    {% endfor %}
    {% do return(inputs) %}
{%- endmacro %}
