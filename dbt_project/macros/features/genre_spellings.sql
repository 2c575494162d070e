{#- Genres that have several names, after letters, signs and blanks are unified: each name, and the genre that it
    means. -#}
{% macro genre_spellings() -%}
    {% do return({
        'drum-n-bass': 'drum-and-bass',
        'hiphop': 'hip-hop',
        'r-and-b': 'r-n-b',
        'rnb': 'r-n-b',
        'rock-and-roll': 'rock-n-roll',
    }) %}
{%- endmacro %}
