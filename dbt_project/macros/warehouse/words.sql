{#- The first words of a text as a list, in small letters; none of a NULL. -#}
{% macro words(text, most) -%}
    {{ return(adapter.dispatch('words')(text, most)) }}
{%- endmacro %}

{% macro duckdb__words(text, most) -%}
    list_filter(
        regexp_split_to_array(lower(coalesce({{ text }}, '')), '[^\p{L}\p{N}]+'), lambda word: word <> ''
    )[:{{ most }}]
{%- endmacro %}

{#- Its regular expressions know no classes of Unicode. -#}
{% macro snowflake__words(text, most) -%}
    {{ helper_name('first_words') }}({{ text }}, {{ most }})
{%- endmacro %}
