{#- Aggregate: a column as it stands in the first place of the first playlist. The place is one number, for not every warehouse
    orders lists and structs; a position is below 2147483648. -#}
{% macro in_first_entry(column) -%}
    min_by({{ column }}, cast(playlist_id as decimal(38, 0)) * 2147483648 + position)
{%- endmacro %}
