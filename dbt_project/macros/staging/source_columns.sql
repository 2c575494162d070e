{#- Names of a raw file's columns in order, from its YAML. -#}
{% macro source_columns(table) -%}
    {%- set names = [] -%}
    {%- for source in (graph.sources.values() if execute else []) if source.source_name == 'raw' and source.name == table -%}
        {%- do names.extend(source.columns) -%}
    {%- endfor -%}
    {%- do return(names) -%}
{%- endmacro %}

{#- Name of a raw column, quoted if SQL requires it. -#}
{% macro column_name(name) -%}
    {{ '"' ~ name ~ '"' if modules.re.search('[^a-z0-9_]', name) or name == 'rows' else name }}
{%- endmacro %}
