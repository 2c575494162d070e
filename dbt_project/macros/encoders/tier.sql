{#- Inputs of the task tier, in the model's order. `row` is the prefix of a row, such as 't.'. -#}
{% macro encode_tier(row='') -%}
    {% do return(
        encode_audio(row)
        + numbers(['duration_ms'], row)
        + [flag('explicit', row), flag('is_single', row), genres_block(row)]
    ) %}
{%- endmacro %}

{#- The nine audio features of a track, which song optimisation may change. -#}
{% macro encode_audio(row) -%}
    {% do return(
        numbers([
            'danceability', 'energy', 'loudness', 'speechiness', 'acousticness', 'instrumentalness', 'liveness',
            'valence',
        ], row)
        + [known_number('tempo', row)]
    ) %}
{%- endmacro %}
