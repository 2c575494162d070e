{#- The tables that a run needs from the start: promotions, the trials of `hitparade tune`, the split of
    the traffic, registered models, and the served models of the SQL backend. All survive every build,
    including a full refresh. -#}
{% macro create_registry() -%}
    {% do check_is_loaded() %}
    {% do check_registry_format() %}
    {% do check_registered_tasks() %}
    {% do create_helpers() %}
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
    create table if not exists ml.assignments (
        task varchar not null,
        model_id varchar not null,
        first_bucket integer not null,
        last_bucket integer not null,
        assigned_at timestamp not null
    );
    {{ create_function_definitions() }}
    {{ create_runs() }}
    {{ create_registered_models() }}
    {{ create_served_models() }}
{%- endmacro %}

{#- The registered models, with the columns of models_py/registry_schema.py, as in the training models. -#}
{% macro create_registered_models() -%}
    create table if not exists ml.registered_models (
        {%- for name, type in registry_types().items() %}
        {{ name }} {{ column_type(type) }}{% if not loop.last %},{% endif %}
        {%- endfor %}
    );
{%- endmacro %}

{#- Stops a run if the file's registry has another format, before anything is written. A table without rows, which has no
    number of the format, has other columns. -#}
{% macro check_registry_format() -%}
    {% for table in (registry_tables() if execute else []) %}
        {% set models = adapter.get_relation(target.database, 'ml', table) %}
        {% if models is not none %}
            {% set formats = run_query("select max(registry_format) from " ~ models).columns[0].values() | list %}
            {#- Not get_columns_in_relation: it begins a transaction that nothing would commit. -#}
            {% set columns = run_query("select * from " ~ models ~ " limit 0").column_names | map('lower') | list %}
            {% if formats[0] is none and registry_types().keys() | reject('in', columns) | list %}
                {% set formats = [registry_format() - 1] %}
            {% endif %}
            {% if formats[0] is not none and formats[0] != registry_format() %}
                {% do exceptions.raise_compiler_error(
                    "the registry of this file has format " ~ formats[0] ~ ", and this version reads "
                    ~ registry_format() ~ ": "
                    ~ ("run `hitparade upgrade`" if formats[0] < registry_format()
                       else "use the version of hitparade that wrote it, or a newer one")
                ) %}
            {% endif %}
        {% endif %}
    {% endfor %}
{%- endmacro %}
