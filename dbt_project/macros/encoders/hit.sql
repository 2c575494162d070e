{#- Inputs of the task hit, in the model's order. `row` is the prefix of a row, such as 't.'.
    The publisher writes tempo 0 where it could not tell: missing. -#}
{% macro encode_hit(row='') -%}
    {% do return([
        {'name': 'danceability', 'expression': 'cast(' ~ row ~ 'danceability as double)'},
        {'name': 'energy', 'expression': 'cast(' ~ row ~ 'energy as double)'},
        {'name': 'valence', 'expression': 'cast(' ~ row ~ 'valence as double)'},
        {'name': 'tempo', 'expression': 'nullif(cast(' ~ row ~ 'tempo as double), 0)'},
    ]) %}
{%- endmacro %}
