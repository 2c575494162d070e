{#- What must stand before a run begins: the record of promotions and the table that serves the
    portable lane. Both survive every build, also with full refresh. -#}
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
    {{ create_served_models() }}
{%- endmacro %}
