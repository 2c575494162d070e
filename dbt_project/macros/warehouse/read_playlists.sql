{#- A query: the playlists of the slices that were not read yet, as JSON text, in the columns of raw.playlists. A slice
    that cannot be used is one row without a playlist, with the rule that it breaks. -#}
{% macro read_playlists() -%}
    {{ return(adapter.dispatch('read_playlists')()) }}
{%- endmacro %}

{#- Files are read where they are. Slices are looked up, not joined: DuckDB builds the hash table of such a join of the
    texts, and holds all of them, where now it holds one. Whether a text is blank or JSON is asked only where it has
    no playlists: it takes as long as parsing. -#}
{% macro duckdb__read_playlists() -%}
    {%- set slices = slices_to_read(ref('stg_raw__slices'), this if is_incremental() else none) -%}
    {%- set rules = [
        rule('not_utf8', 'text is null', "'the file is not UTF-8: download it again'"),
        rule('empty', "parsed.playlists is null and trim(text) = ''", "'the file is empty: download it again'"),
        rule(
            'not_json',
            'parsed.playlists is null and not json_valid(text)',
            "'the file is cut off, or not JSON: download it again'"
        ),
        rule(
            'no_playlists',
            'parsed.playlists is null or len(parsed.playlists) = 0',
            "'the file has no list of playlists'"
        ),
    ] -%}
    with slices as (

        select
            {{ looked_up('path', slices.slice) }} as slice,
            {{ looked_up('path', slices.fingerprint) }} as fingerprint,
            content as text,
            {{ parse_json('content', {'playlists': ['json']}) }} as parsed
        from {{ texts_of(slices.slice.keys() | list) }}

    ),

    judged as (

        select
            slice,
            fingerprint,
            parsed.playlists,
            {{ broken_rule(rules) }}
        from slices

    )

    select
        slice,
        fingerprint,
        rule as slice_rule,
        reason as slice_reason,
        cast(unnest(case when rule is null then playlists else [null] end) as varchar) as content,
        generate_subscripts(case when rule is null then playlists else [null] end, 1) - 1 as place
    from judged
{%- endmacro %}

{#- What a dictionary has under a key, as text; NULL where it has no such key. -#}
{% macro looked_up(key, values) -%}
    cast(map([{{ quoted(values.keys()) }}], [{{ quoted(values.values()) }}])[{{ key }}] as varchar)
{%- endmacro %}

{#- A relation of `path` and `content` over files: the text of each, NULL where it is not UTF-8. -#}
{% macro texts_of(paths) -%}
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

{#- `hitparade load` has cut the slices, which are larger than a value may be, into playlists. -#}
{% macro snowflake__read_playlists() -%}
    select
        slice,
        fingerprint,
        slice_rule,
        slice_reason,
        content,
        place
    from {{ source('raw', 'playlists') }}
    {%- if is_incremental() %}
    where (slice, fingerprint) not in (select slice, fingerprint from {{ this }})
    {%- endif %}
{%- endmacro %}
