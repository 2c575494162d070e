{#- The tables with the results of each run. They survive every build, as the registry does. -#}
{% macro create_runs() -%}
    create table if not exists ml.runs (
        run_id varchar not null,
        started_at timestamp not null,
        command varchar not null,
        node varchar not null,
        layer varchar not null,
        status varchar not null,
        seconds double not null,
        row_count bigint,
        failures bigint,
        message varchar
    );
    create table if not exists ml.run_sources (
        run_id varchar not null,
        started_at timestamp not null,
        source varchar not null,
        status varchar not null,
        fingerprint varchar,
        row_count bigint not null,
        quarantined bigint not null,
        quarantined_share double not null
    );
{%- endmacro %}

{#- Writes the results of a dbt run at its end. There is a batch of new playlists each minute: of those that succeeded,
    only the newest is kept. -#}
{% macro record_run(results) -%}
    {%- if execute and results -%}
        {{ record_results(results) }}
        {%- if is_batch() %}
        delete from ml.runs
        where
            command = 'follow'
            and node <> 'follow' {#- the end of an incident, which hitparade/pipeline/publish.py writes -#}
            and status not in ('error', 'fail')
            and run_id <> '{{ invocation_id }}';
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- Whether `hitparade follow` runs dbt, which then builds only what new playlists need. -#}
{% macro is_batch() -%}
    {%- do return(invocation_args_dict.selector == 'playlists') -%}
{%- endmacro %}

{% macro record_results(results) -%}
    {%- set counts = row_counts(results) -%}
    insert into ml.runs (run_id, started_at, command, node, layer, status, seconds, row_count, failures, message)
    select
        '{{ invocation_id }}',
        cast('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S.%f") }}' as timestamp),
        '{{ 'follow' if is_batch() else flags.WHICH }}',
        results.node,
        results.layer,
        results.status,
        results.seconds,
        results.row_count,
        results.failures,
        results.message
    from (
        values
        {%- for result in results %}
        (
            {{ text_literal(result.node.resource_type ~ '.' ~ result.node.name) }},
            {{ text_literal(layer_of(result.node)) }},
            '{{ result.status }}',
            {{ result.execution_time }},
            {{ counts.get(result.node.unique_id, 'null') }},
            {{ result.failures if result.failures is not none else 'null' }},
            {{ text_literal(message_of(result)) if result.status not in ('success', 'pass') and result.message else 'null' }}
        ){% if not loop.last %},{% endif %}
        {%- endfor %}
    ) as results (node, layer, status, seconds, row_count, failures, message);
{%- endmacro %}

{#- The message of a dbt result. For a `none_of` test it names the failing row with the highest value, and is printed.
    Other tests do not show rows, because their rows may not be for everyone who is alerted. An error in this macro
    would lose all results of the run. -#}
{% macro message_of(result) -%}
    {%- if 'Traceback (most recent call last)' in (result.message or '') -%}
        {#- dbt's log has the full traceback. -#}
        {%- do return('Python model failed: ' ~ result.message.strip().split('\n')[-1].strip()) -%}
    {%- elif result.status not in ('fail', 'warn') or (result.node.test_metadata or {}).name != 'none_of' -%}
        {%- do return(result.message) -%}
    {%- endif -%}
    {%- set last = result.node.test_metadata.kwargs.columns | length -%}
    {%- set found = run_query(
        'select * from (' ~ result.node.compiled_code ~ ') as found order by ' ~ last ~ ' desc limit 1'
    ) -%}
    {%- set cells = [] -%}
    {%- for row in found.rows -%}
        {%- for name in found.column_names -%}{%- do cells.append(name | lower ~ ' ' ~ row[name]) -%}{%- endfor -%}
    {%- endfor -%}
    {%- set message = result.message ~ ', such as ' ~ cells | join(', ') -%}
    {%- do log(result.node.name ~ ': ' ~ message, info=true) -%}
    {%- do return(message) -%}
{%- endmacro %}

{#- The folder of a model, such as staging, or the kind of another node. -#}
{% macro layer_of(node) -%}
    {%- do return(node.fqn[1] if node.resource_type == 'model' else node.resource_type) -%}
{%- endmacro %}

{#- Row counts of the tables that a run built, by node id. -#}
{% macro row_counts(results) -%}
    {%- set counts = [] -%}
    {%- for result in results
        if result.status == 'success' and result.node.config.materialized in ('table', 'incremental', 'seed') -%}
        {%- do counts.append(
            "select '" ~ result.node.unique_id ~ "' as node, count(*) as row_count from " ~ result.node.relation_name
        ) -%}
    {%- endfor -%}
    {%- set found = {} -%}
    {%- if counts -%}
        {%- for row in run_query(counts | join(' union all ')).rows -%}{%- do found.update({row[0]: row[1]}) -%}{%- endfor -%}
    {%- endif -%}
    {%- do return(found) -%}
{%- endmacro %}

{#- Writes the state of the sources in this run, as soon as it is known. Batches do not count: how often a source
    changes, and how much it has, is compared from build to build. -#}
{% macro record_sources(sources) -%}
    {%- if not is_batch() -%}
    insert into ml.run_sources (
        run_id, started_at, source, status, fingerprint, row_count, quarantined, quarantined_share
    )
    select
        '{{ invocation_id }}',
        cast('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S.%f") }}' as timestamp),
        sources.source,
        sources.status,
        sources.fingerprint,
        sources.row_count,
        sources.quarantined,
        sources.quarantined_share
    from {{ sources }} as sources;
    {%- endif -%}
{%- endmacro %}
