{#- The SQL backend's parameters of the models in ml.models_to_serve. The table is small, because DuckDB reads
    its lists as whole vectors. Its columns after `inputs` are those of models_py.sql_backend. -#}
{% macro create_served_models() -%}
    create table if not exists ml.served_models (
        model_id varchar,
        task varchar,
        algorithm varchar,
        is_newest boolean,
        inputs {{ column_type(registry_types()['inputs']) }},
        {%- for name, type in sql_backend_types().items() %}
        {{ name }} {{ column_type(type) }}{% if not loop.last %},{% endif %}
        {%- endfor %}
    );
{%- endmacro %}
