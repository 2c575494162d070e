{#- Inputs of the task hit, in the model's order. `row` is the prefix of a row, such as 't.'. -#}
{% macro encode_hit(row='') -%}
    {% do return(numbers(['danceability', 'energy', 'valence'], row) + [known_number('tempo', row)]) %}
{%- endmacro %}
