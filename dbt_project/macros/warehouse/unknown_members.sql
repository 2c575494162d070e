{#- Sentences about the members of a row's block that the vocabulary lacks. -#}
{% macro unknown_members(name, vocabulary, row) -%}
    {{ return(adapter.dispatch('unknown_members')(name, vocabulary, row)) }}
{%- endmacro %}

{% macro duckdb__unknown_members(name, vocabulary, row) -%}
    list_transform(
        [struct_pack(given := cast({{ row }}{{ name }} as varchar[]), known := {{ vocabulary }})],
        lambda o: list_transform(
            list_filter(o.given, lambda member: coalesce(not list_contains(o.known, member), true)),
            lambda member: '{{ name }}: ' || coalesce(member, 'NULL') || ' is not known and counts as none'
        )
    )[1]
{%- endmacro %}

{% macro snowflake__unknown_members(name, vocabulary, row) -%}
    {{ helper_name('unknown_members') }}('{{ name }}', {{ row }}{{ name }}, {{ vocabulary }})
{%- endmacro %}
