{#- Inputs of the task popularity, in the model's order. `row` is the prefix of a row, such as 't.'. -#}
{% macro encode_popularity(row='') -%}
    {% do return(
        encode_audio(row)
        + numbers(['duration_ms'], row)
        + [flag('explicit', row)]
        + numbers(['key', 'mode'], row)
        + [known_number('time_signature', row), flag('is_single', row), genres_block(row)]
    ) %}
{%- endmacro %}
