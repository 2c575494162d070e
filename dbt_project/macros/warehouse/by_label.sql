{#- The scores as a struct by label. -#}
{% macro by_label(labels, scores) -%}
    {{ return(adapter.dispatch('by_label')(labels, scores)) }}
{%- endmacro %}

{% macro duckdb__by_label(labels, scores) -%}
    list_transform(
        [{{ scores }}],
        lambda s: case when s is not null then struct_pack(
            {%- for label in labels %}"{{ label | replace('"', '""') }}" := s[{{ loop.index }}]{% if not loop.last %}, {% endif %}{% endfor -%}
        ) end
    )[1]
{%- endmacro %}

{% macro snowflake__by_label(labels, scores) -%}
    {{ helper_name('by_label') }}([{{ quoted(labels) }}], {{ scores }})
{%- endmacro %}
