{#- Inputs of the task song_optimization: those of popularity, of which the first nine may change. -#}
{% macro encode_song_optimization(row='') -%}
    {% do return(encode_popularity(row)) %}
{%- endmacro %}
