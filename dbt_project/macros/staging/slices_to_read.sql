{#- New and changed slices: the dictionaries `slice` and `fingerprint`, by path. -#}
{% macro slices_to_read(listed, read) -%}
    {%- set query -%}
        select path, slice, fingerprint
        from {{ listed }}
        {%- if read %}
        where (slice, fingerprint) not in (select slice, fingerprint from {{ read }})
        {%- endif %}
        order by path asc nulls last
    {%- endset -%}
    {#- The list does not exist yet if dbt only compiles on a new database. -#}
    {%- set is_listed = execute and load_relation(listed) is not none -%}
    {%- set found = run_query(query).rows if is_listed else [] -%}
    {%- set slices = {'slice': {}, 'fingerprint': {}} -%}
    {%- for path, slice, fingerprint in found -%}
        {%- do slices.slice.update({path: slice}) -%}
        {%- do slices.fingerprint.update({path: fingerprint}) -%}
    {%- endfor -%}
    {{ return(slices) }}
{%- endmacro %}

{#- Removes what was read of slices that are gone, or changed. -#}
{% macro forget_slices(listed, read) -%}
    delete from {{ read }}
    where (slice, fingerprint) not in (select slice, fingerprint from {{ listed }})
{%- endmacro %}
