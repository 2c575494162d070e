{#- Key of the song that a track is a version of: md5 of its normalized name and artists. -#}
{% macro pair_key(track_name, artists) -%}
    md5(lower(trim({{ track_name }})) || '|' || lower(trim({{ artists }})))
{%- endmacro %}
