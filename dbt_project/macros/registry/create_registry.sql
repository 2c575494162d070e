{#- What must stand before a run begins: the record of promotions, the trials of `hitparade tune` and
    the table that serves the portable lane. All survive every build, also with full refresh. -#}
{% macro create_registry() -%}
    {% do check_registry_format() %}
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

{#- Number of the registry's format, the one of hitparade/registry.py. -#}
{% macro registry_format() -%}
    {% do return(2) %}
{%- endmacro %}

{#- Stops a run on a file whose registry has another format, before anything is written. -#}
{% macro check_registry_format() -%}
    {% for task in tasks() if execute %}
        {% set trained = adapter.get_relation(target.database, 'ml', 'train_' ~ task) %}
        {% if trained is not none %}
            {% set formats = run_query("select max(registry_format) from " ~ trained).columns[0].values() %}
            {% if formats[0] is not none and formats[0] != registry_format() %}
                {% do exceptions.raise_compiler_error(
                    "the registry of this file has format " ~ formats[0] ~ ", and this version reads "
                    ~ registry_format() ~ ": rename the file and build anew, or use the version that wrote it"
                ) %}
            {% endif %}
        {% endif %}
    {% endfor %}
{%- endmacro %}
