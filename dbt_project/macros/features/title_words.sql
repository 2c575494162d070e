{#- The first words of a title, as many as models_py.next_song.data.TITLE_WORDS. -#}
{% macro title_words(title) -%}
    {{ words(title, 5) }}
{%- endmacro %}
