{#- Paths of the listed slices that a table of what was read lacks, or has of an earlier file. -#}
{% macro slices_to_read(listed, read) -%}
    {%- set query -%}
        select path
        from {{ listed }}
        {%- if read %}
        where (slice, fingerprint) not in (select slice, fingerprint from {{ read }})
        {%- endif %}
        order by path
    {%- endset -%}
    {{ return(run_query(query).columns[0].values() | list if execute else []) }}
{%- endmacro %}

{#- Removes what was read of slices that are gone, or changed. -#}
{% macro forget_slices(listed, read) -%}
    delete from {{ read }}
    where (slice, fingerprint) not in (select slice, fingerprint from {{ listed }})
{%- endmacro %}
