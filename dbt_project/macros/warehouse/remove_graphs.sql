{#- Remove the graphs of models that were pruned, where they do not stand in the table that was pruned. -#}
{% macro remove_graphs() -%}
    {{ return(adapter.dispatch('remove_graphs')()) }}
{%- endmacro %}

{% macro duckdb__remove_graphs() -%}
{%- endmacro %}

{% macro snowflake__remove_graphs() -%}
    {%- for row in rows_of("select model_id from ml.registry group by model_id having count(case when pruned_at is null then 1 end) = 0") -%}
        {%- do run_query("remove @" ~ models_stage() ~ "/" ~ row[0] ~ ".onnx") -%}
    {%- endfor -%}
{%- endmacro %}
