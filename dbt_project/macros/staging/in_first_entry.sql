{#- Aggregate: a column as it stands in the first place of the first playlist. The place is a text in which numbers of
    one length stand, for a warehouse orders lists and structs as it likes, or not at all. -#}
{% macro in_first_entry(column) -%}
    min_by(
        {{ column }}, lpad(cast(playlist_id as varchar), 16, '0') || lpad(cast(position as varchar), 10, '0')
    )
{%- endmacro %}
