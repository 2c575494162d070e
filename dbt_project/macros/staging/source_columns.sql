{#- Names of the columns of a raw file, in order, as its YAML has them. -#}
{% macro source_columns(table) -%}
    {%- set names = [] -%}
    {%- for source in (graph.sources.values() if execute else []) if source.source_name == 'raw' and source.name == table -%}
        {%- do names.extend(source.columns) -%}
    {%- endfor -%}
    {%- do return(names) -%}
{%- endmacro %}

{#- The name of a raw column as SQL writes it. -#}
{% macro column_name(name) -%}
    {{ '"' ~ name ~ '"' if modules.re.search('[^a-z0-9_]', name) or name == 'rows' else name }}
{%- endmacro %}
