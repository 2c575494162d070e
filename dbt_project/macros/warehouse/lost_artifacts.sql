{#- A query: the models of ml.model_artifacts whose graph is not where it should be. -#}
{% macro lost_artifacts(artifacts) -%}
    {{ return(adapter.dispatch('lost_artifacts')(artifacts)) }}
{%- endmacro %}

{% macro duckdb__lost_artifacts(artifacts) -%}
    select model_id
    from {{ artifacts }}
    where onnx is null
{%- endmacro %}

{#- A graph is a file there, for a binary value may not be as large as the largest of them. -#}
{% macro snowflake__lost_artifacts(artifacts) -%}
    {%- set files = [''] -%}
    {%- for file in rows_of("list @" ~ models_stage()) -%}
        {%- do files.append(file[0].split('/')[-1].removesuffix('.onnx')) -%}
    {%- endfor -%}
    select model_id
    from {{ artifacts }}
    where model_id not in ({{ quoted(files) }})
{%- endmacro %}
