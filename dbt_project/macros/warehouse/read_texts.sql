{#- A relation of `path` and `content` over files: the text of each, NULL where it is not UTF-8. -#}
{% macro read_texts(paths) -%}
    {{ return(adapter.dispatch('read_texts')(paths)) }}
{%- endmacro %}

{% macro duckdb__read_texts(paths) -%}
    (
        {%- if paths %}
        select
            filename as path,
            try(decode(content)) as content
        from read_blob([{{ quoted(paths) }}])
        {%- else %}
        select
            cast(null as varchar) as path,
            cast(null as varchar) as content
        where false
        {%- endif %}
    )
{%- endmacro %}
