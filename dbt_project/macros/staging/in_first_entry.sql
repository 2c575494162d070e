{#- Aggregate: a column's value at the first position of the first playlist. Playlist and position are one number,
    because not every warehouse orders lists and structs. A position is below 2147483648. -#}
{% macro in_first_entry(column) -%}
    min_by({{ column }}, cast(playlist_id as decimal(38, 0)) * 2147483648 + position)
{%- endmacro %}
