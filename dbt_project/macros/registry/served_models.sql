{#- The portable parameters of the models that a function can reach, as ml.models_to_serve has them. The table stays
    small because DuckDB reads whole vectors of its lists; its columns after `inputs` are those of
    udfs.portable. -#}
{% macro create_served_models() -%}
    create table if not exists ml.served_models (
        model_id varchar,
        task varchar,
        algorithm varchar,
        is_newest boolean,
        inputs struct(name varchar, "type" varchar, minimum double, maximum double)[],
        kind varchar,
        transform varchar,
        layers struct(weights double[][], intercepts double[])[],
        intercepts float[],
        depth integer,
        roots integer[],
        features integer[],
        thresholds float[],
        "next" integer[],
        leaves float[][]
    );
{%- endmacro %}

{#- Renew the serving table from the registry, in the transaction of whoever calls. -#}
{% macro renew_served_models() -%}
    delete from ml.served_models;
    insert into ml.served_models by name
    select * from ml.models_to_serve;
{%- endmacro %}
