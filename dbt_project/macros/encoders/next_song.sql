{#- Inputs of the task next_song, in the model's order: lists of strings. `row` is the prefix of a row. -#}
{% macro encode_next_song(row='') -%}
    {% do return([
        {'name': 'track_uris', 'expression': row ~ 'track_uris'},
        {'name': 'title_words', 'expression': row ~ 'title_words'},
    ]) %}
{%- endmacro %}
