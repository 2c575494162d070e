{#- Genres as a block: 1 for each genre of the vocabulary that the row has. An unknown genre is
    nothing, an empty list is all zeros, and NULL makes every place NULL. -#}
{% macro genres_block(row) -%}
    {% do return({
        'name': 'genres',
        'block': vocabulary(),
        'expression': one_hot(row ~ 'genres', vocabulary()),
    }) %}
{%- endmacro %}
