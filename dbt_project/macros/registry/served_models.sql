{#- The portable parameters of the models that a function can reach, as ml.models_to_serve has them. The table stays
    small because DuckDB reads whole vectors of its lists; its columns after `inputs` are those of
    models_py.sql_backend. -#}
{% macro create_served_models() -%}
    create table if not exists ml.served_models (
        model_id varchar,
        task varchar,
        algorithm varchar,
        is_newest boolean,
        inputs {{ column_type('struct(name varchar, "type" varchar, minimum double, maximum double)[]') }},
        {%- for name, type in portable_types().items() %}
        {{ name }} {{ column_type(type) }}{% if not loop.last %},{% endif %}
        {%- endfor %}
    );
{%- endmacro %}

{#- Renew the serving table from the registry, in the transaction of whoever calls. Rows that stay are left alone,
    for a model_id never changes its meaning, only whether it has a portable form: DuckDB cannot free what a
    transaction wrote anew while others read. -#}
{% macro renew_served_models() -%}
    {%- set served = "model_id, task, algorithm, is_newest, coalesce(kind, '')" -%}
    {%- set columns = 'model_id, task, algorithm, is_newest, inputs, ' ~ portable_types() | join(', ') -%}
    delete from ml.served_models
    where ({{ served }}) not in (select {{ served }} from ml.models_to_serve);
    insert into ml.served_models ({{ columns }})
    select {{ columns }} from ml.models_to_serve
    where ({{ served }}) not in (select {{ served }} from ml.served_models);
{%- endmacro %}
