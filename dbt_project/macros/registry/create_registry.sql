{#- What must stand before a run begins: the record of promotions, the trials of `hitparade tune` and
    the table that serves the portable lane. All survive every build, also with full refresh. -#}
{% macro create_registry() -%}
    create schema if not exists ml;
    create table if not exists ml.promotions (
        promoted_at timestamp not null,
        task varchar not null,
        model_id varchar,
        reason varchar not null,
        is_manual boolean not null,
        is_pinned boolean not null
    );
    create table if not exists ml.tuning_trials (
        run_id varchar not null,
        task varchar not null,
        algorithm varchar not null,
        trial integer not null,
        state varchar not null,
        params varchar not null,
        metric varchar not null,
        value double,
        standard_error double,
        seconds double not null,
        started_at timestamp not null,
        is_present boolean not null,
        is_best boolean not null
    );
    {{ create_served_models() }}
{%- endmacro %}
