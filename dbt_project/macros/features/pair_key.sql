{#- The song behind a track: md5 of its normalised name and artists. -#}
{% macro pair_key(track_name, artists) -%}
    md5(lower(trim({{ track_name }})) || '|' || lower(trim({{ artists }})))
{%- endmacro %}
