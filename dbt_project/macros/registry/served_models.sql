{#- The portable parameters of the models that a function can reach: the champions and the newest
    version of each algorithm, where their inputs fit the functions. The table stays small because DuckDB reads whole vectors of its
    lists; its columns after `inputs` are those of udfs.portable. -#}
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
    insert into ml.served_models
    with versions as (
        select
            model_id,
            task,
            algorithm,
            version,
            inputs,
            version = max(version) over (partition by task, algorithm) as is_newest
        from ml.registry
    ),

    served as (
        select *
        from versions
        where
            (is_newest or model_id in (select model_id from ml.champions))
            and {{ fits_functions('task', 'inputs') }}
        qualify row_number() over (partition by model_id order by version desc) = 1
    )

    select
        served.model_id,
        served.task,
        served.algorithm,
        served.is_newest,
        registry.inputs,
        unnest(registry.portable)
    from served
    inner join ml.registry
        on
            served.task = registry.task
            and served.algorithm = registry.algorithm
            and served.version = registry.version;
{%- endmacro %}
