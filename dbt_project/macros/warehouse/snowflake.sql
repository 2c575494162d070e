{#- Snowflake's variants of the macros in interface.sql, in the same order, and its overrides of dbt's
    macros. Macros without a counterpart on DuckDB (stages, Python functions, the doctor) are in
    macros/snowflake. -#}

{#- ---- Types, literals and scalars ---- -#}

{#- Lists and structs on Snowflake hold values of any type, so their types do not name member types. -#}
{% macro snowflake__column_type(type) -%}
    {%- if type.endswith('[]') -%}
        {%- do return('array') -%}
    {%- elif type.startswith('struct') -%}
        {%- do return('object') -%}
    {%- endif -%}
    {%- do return({'blob': 'binary', 'float': 'double'}.get(type, type)) -%}
{%- endmacro %}

{#- A backslash is an escape in Snowflake's literals. -#}
{% macro snowflake__text_literal(text) -%}
    '{{ text | replace("\\", "\\\\") | replace("'", "''") }}'
{%- endmacro %}

{#- Snowflake converts an argument to boolean, whatever a caller passes. -#}
{% macro snowflake__flag_number(flag) -%}
    cast(case when {{ flag }} then 1 when not {{ flag }} then 0 end as double)
{%- endmacro %}

{% macro snowflake__hex_to_integer(hex) -%}
    to_number({{ hex }}, 'XXXXXXXX')
{%- endmacro %}

{% macro snowflake__matches(text, pattern) -%}
    regexp_like({{ text }}, '{{ pattern }}')
{%- endmacro %}

{#- In Python, because Snowflake's regular expressions do not support Unicode classes. -#}
{% macro snowflake__words(text, most) -%}
    {{ helper_name('first_words') }}({{ text }}, {{ most }})
{%- endmacro %}

{% macro snowflake__raise_error(message, type) -%}
    cast({{ helper_name('raise_error') }}({{ message }}) as {{ type }})
{%- endmacro %}

{% macro snowflake__utc_now() -%}
    sysdate()
{%- endmacro %}

{% macro snowflake__timestamp_of_seconds(seconds) -%}
    to_timestamp_ntz({{ seconds }})
{%- endmacro %}

{#- ---- Lists, structs and JSON ---- -#}

{% macro snowflake__empty_list(type) -%}
    array_construct()
{%- endmacro %}

{% macro snowflake__element(list, place, type) -%}
    cast(get({{ list }}, {{ place - 1 }}) as {{ type }})
{%- endmacro %}

{% macro snowflake__has_true(flags) -%}
    array_contains(to_variant(true), {{ flags }})
{%- endmacro %}

{% macro snowflake__is_list(column) -%}
    {%- do return(column.dtype | upper in ['ARRAY', 'OBJECT', 'VARIANT']) -%}
{%- endmacro %}

{% macro snowflake__each(list, alias, outer) -%}
    cross join lateral flatten(input => {{ list }}{{ ', outer => true' if outer }}) as {{ alias }}
{%- endmacro %}

{% macro snowflake__field(struct, name, type) -%}
    {%- set value = "get(" ~ struct ~ ", '" ~ name ~ "')" -%}
    {{ 'as_array(' ~ value ~ ')' if type == 'list' else 'cast(' ~ value ~ ' as ' ~ type ~ ')' }}
{%- endmacro %}

{% macro snowflake__list_field(list, name) -%}
    {{ helper_name('list_field') }}({{ list }}, '{{ name }}')
{%- endmacro %}

{#- The value may have any shape: `field` asks for the types. -#}
{% macro snowflake__parse_json(text, shape) -%}
    try_parse_json({{ text }})
{%- endmacro %}

{#- Columns are named one by one, because a wildcard would write their names in upper case. -#}
{% macro snowflake__row_as_json(alias, columns) -%}
    to_json(object_construct_keep_null(
        {%- for name in columns %}'{{ name }}', {{ alias }}.{{ column_name(name) }}{% if not loop.last %}, {% endif %}{% endfor -%}
    ))
{%- endmacro %}

{% macro snowflake__fields_as_json(struct, names) -%}
    case
        when is_object({{ struct }}) then to_json(object_construct_keep_null(
            {%- for name in names %}'{{ name }}', {{ field(struct, name) }}{% if not loop.last %}, {% endif %}{% endfor -%}
        ))
    end
{%- endmacro %}

{#- ---- Aggregates ---- -#}

{% macro snowflake__distinct_list(column) -%}
    array_agg(distinct {{ column }}) within group (order by {{ column }} asc nulls last)
{%- endmacro %}

{% macro snowflake__joined_text(column, separator, order) -%}
    listagg({{ column }}, '{{ separator }}') within group (order by {{ order }} asc nulls last)
{%- endmacro %}

{% macro snowflake__list_of(column, order) -%}
    array_agg({{ column }}) within group (order by {{ order }} asc nulls last)
{%- endmacro %}

{#- ---- Raw files and staging ---- -#}

{% macro snowflake__check_is_loaded() -%}
    {%- if execute and adapter.get_relation(target.database, 'ml', 'loaded_code') is none -%}
        {%- do exceptions.raise_compiler_error(
            "the load into database " ~ target.database ~ " is missing or incomplete: run `hitparade load`"
        ) -%}
    {%- endif -%}
{%- endmacro %}

{% macro snowflake__load_raw(folder, code) -%}
    {%- for schema in ['raw', 'ml'] -%}
        {%- do run_query("create schema if not exists " ~ target.database ~ "." ~ schema) -%}
    {%- endfor -%}
    {%- for stage in [raw_stage(), code_stage(), models_stage()] -%}
        {%- do run_query("create stage if not exists " ~ stage) -%}
    {%- endfor -%}
    {%- do put_file(folder ~ '/' ~ code_file(), code_stage()) -%}
    {%- for table in graph.sources.values() if table.source_name == 'raw' -%}
        {%- set is_json = table.name == 'playlists' -%}
        {%- set file = table.name ~ ('.json.gz' if is_json else '.csv.gz') -%}
        {%- set relation = target.database ~ '.raw.' ~ table.name -%}
        {%- do put_file(folder ~ '/' ~ file, raw_stage()) -%}
        {#- The copy is a new table, so that the old one remains until the copy is complete. -#}
        {%- set copied = relation ~ '_copied' -%}
        {%- do run_query("create or replace transient table " ~ copied ~ " (" ~ raw_columns(table) ~ ")") -%}
        {%- do copy_json(copied, table, file) if is_json else copy_csv(copied, file) -%}
        {%- do run_query("create or replace transient table " ~ relation ~ " clone " ~ copied) -%}
        {%- do run_query("drop table " ~ copied) -%}
        {{ log("loaded " ~ run_query("select count(*) from " ~ relation).rows[0][0] ~ " rows of " ~ table.name, info=true) }}
    {%- endfor -%}
    {#- This table is written last, because it marks the load as complete. -#}
    {%- do run_query(
        "create or replace table " ~ loaded_code() ~ " as select '" ~ code ~ "' as fingerprint, " ~ utc_now() ~ " as loaded_at"
    ) -%}
{%- endmacro %}

{#- `hitparade load` has split the slices into playlists, because a slice exceeds the largest value of a column. -#}
{% macro snowflake__read_playlists() -%}
    select
        slice,
        fingerprint,
        slice_rule,
        slice_reason,
        content,
        place
    from {{ source('raw', 'playlists') }}
    {%- if is_incremental() %}
    where (slice, fingerprint) not in (select slice, fingerprint from {{ this }})
    {%- endif %}
{%- endmacro %}

{% macro snowflake__numbered_tracks(playlists) -%}
    select
        playlists.* exclude (tracks),
        array_size(playlists.tracks) as track_count,
        entries.value as track,
        entries.index as entry,
        {{ field('entries.value', 'pos') }} is not null
        and row_number() over (
            partition by playlists.slice, playlists.place, {{ field('entries.value', 'pos') }} order by entries.index asc nulls last
        ) > 1 as is_again
    from {{ playlists }} as playlists
    cross join lateral flatten(
        input => case when playlists.rule is null then playlists.tracks end, outer => true
    ) as entries
{%- endmacro %}

{#- ---- One-hot groups and scores ---- -#}

{#- The argument of a function is always an ARRAY. -#}
{% macro snowflake__as_list(given) -%}
    {{ given }}
{%- endmacro %}

{#- In Python, because Snowflake's regular expressions do not support Unicode classes. -#}
{% macro snowflake__genre_name(text) -%}
    {{ helper_name('genre_name') }}({{ text }}, parse_json('{{ genre_spellings() | tojson }}'))
{%- endmacro %}

{% macro snowflake__genre_names(given) -%}
    {{ helper_name('genre_names') }}({{ as_list(given) }}, parse_json('{{ genre_spellings() | tojson }}'))
{%- endmacro %}

{#- The list is a literal, because a function cannot query a table when it is called for each row. -#}
{% macro snowflake__vocabulary(task, name) -%}
    {%- set known = [] -%}
    {%- if execute and model.resource_type == 'function' -%}
        {%- set known = members_of(task, "select model_id from ml.champions where task = '" ~ task ~ "'", name) -%}
    {%- endif -%}
    [{{ quoted(known or genres_of_the_rows()) }}]
{%- endmacro %}

{#- The genres of the present rows, in order. -#}
{% macro genres_of_the_rows() -%}
    {%- set genres = [] -%}
    {%- for row in rows_of("select genre from staging.genres order by genre asc nulls last") -%}
        {%- do genres.append(row[0]) -%}
    {%- endfor -%}
    {%- do return(genres) -%}
{%- endmacro %}

{#- The members of a one-hot group that a task's model knows, in order; an empty list without the model. The model_id is a
    SQL expression. -#}
{% macro members_of(task, model_id, name) -%}
    {%- set inputs = rows_of(
        "select any_value(inputs) from ml.model_versions where task = '" ~ task ~ "' and model_id in ("
        ~ model_id ~ ") group by model_id"
    ) -%}
    {%- set members = [] -%}
    {%- for input in (fromjson(inputs[0][0]) if inputs else []) if input.name.startswith(name ~ '=') -%}
        {%- do members.append(input.name.removeprefix(name ~ '=')) -%}
    {%- endfor -%}
    {%- do return(members) -%}
{%- endmacro %}

{#- A promotion does not create the typed functions again, which hold the genres of the last build. -#}
{% macro snowflake__check_vocabulary(task, model_id) -%}
    {%- set champion_id = "select model_id from ml.champions where task = '" ~ task ~ "'" -%}
    {%- set known = members_of(task, champion_id, 'genres') -%}
    {%- if known and known != members_of(task, text_literal(model_id), 'genres') -%}
        {%- do exceptions.raise_compiler_error(
            "model " ~ model_id ~ " knows other genres than the champion of task " ~ task
            ~ ", and the functions hold those of the champion: promote a model that knows the same genres"
        ) -%}
    {%- endif -%}
{%- endmacro %}

{% macro snowflake__input_groups(inputs) -%}
    {{ helper_name('input_groups') }}({{ inputs }})
{%- endmacro %}

{% macro snowflake__one_hot(given, vocabulary) -%}
    {{ helper_name('one_hot') }}({{ genre_names(given) }}, {{ vocabulary }})
{%- endmacro %}

{% macro snowflake__unknown_members(name, vocabulary, row) -%}
    {{ helper_name('unknown_members') }}('{{ name }}', {{ genre_names(row ~ name) }}, {{ vocabulary }})
{%- endmacro %}

{% macro snowflake__likeliest(labels, scores) -%}
    {{ helper_name('likeliest') }}([{{ quoted(labels) }}], {{ scores }})
{%- endmacro %}

{% macro snowflake__by_label(labels, scores) -%}
    {{ helper_name('by_label') }}([{{ quoted(labels) }}], {{ scores }})
{%- endmacro %}

{#- ---- How functions are defined, called and find their model ---- -#}

{#- Empty, because a function takes its arguments and their types from the YAML. -#}
{% macro snowflake__parameters(names) -%}
{%- endmacro %}

{#- Only the form by arguments, because a function cannot take a row. -#}
{% macro snowflake__overloads(task, body) -%}
    {{ body(encoded_list(task)) }}
{%- endmacro %}

{% macro snowflake__scored_overloads(task, names, body) -%}
    {{ body('onnx_predict(' ~ champion(task) ~ ', ' ~ encoded_list(task) ~ ')') }}
{%- endmacro %}

{% macro snowflake__scored_overloads_by_algorithm(task, body) -%}
    {{ body('onnx_predict(' ~ newest(task) ~ ', ' ~ encoded_list(task) ~ ')') }}
{%- endmacro %}

{% macro snowflake__check_overloads(task) -%}
    {{ check(task, '') }}
{%- endmacro %}

{#- The options and their defaults come from the YAML. -#}
{% macro snowflake__optimize_song_overloads() -%}
    {{ helper_name('optimized_song') }}(
        {{ champion('song_optimization') }},
        {{ newest('song_optimization', "'judge'") }},
        {{ encoded_list('song_optimization') }},
        features,
        max_change,
        max_features,
        penalty
    )
{%- endmacro %}

{#- The columns are passed one by one, because a function cannot take a row. -#}
{% macro snowflake__by_row(function, task, row) -%}
    {{ function }}(
        {%- for name in argument_names(task) %}{{ row }}.{{ name }}{% if not loop.last %}, {% endif %}{% endfor -%}
    )
{%- endmacro %}

{#- Always NULL, because models can be registered only in DuckDB. -#}
{% macro snowflake__function_parameters(name) -%}
    cast(null as array)
{%- endmacro %}

{#- A function names the tables of its own database. -#}
{% macro snowflake__from_own_file(type, answer) -%}
    {{ answer() }}
{%- endmacro %}

{#- A text that onnx_predict and the other functions with stamped models resolve. A promotion recreates
    these functions. -#}
{% macro snowflake__champion(task) -%}
    'champion of {{ task }}'
{%- endmacro %}

{#- A text, see `champion`. -#}
{% macro snowflake__newest(task, algorithm) -%}
    '{{ task }} by ' || coalesce({{ algorithm }}, 'NULL')
{%- endmacro %}

{#- ---- Bodies of functions ---- -#}

{% macro snowflake__changes_in_words(optimization) -%}
    {{ helper_name('changes_in_words') }}({{ optimization }}, as_array(parse_json('{{ changeable() | tojson }}')))
{%- endmacro %}

{#- Empty, because onnx_explain is a Python function on Snowflake: a SQL function cannot mix songs in a
    query. -#}
{% macro snowflake__explained() -%}
{%- endmacro %}

{% macro snowflake__explained_task(task, features, output) -%}
    onnx_explain('{{ task }}', {{ champion(task) }}, {{ features }}, {{ output }})
{%- endmacro %}

{#- Empty, because assigned_model is a Python function on Snowflake. -#}
{% macro snowflake__assigned() -%}
{%- endmacro %}

{#- The playlist must be a constant: a function cannot contain a query that depends on the row it is
    called for. -#}
{% macro snowflake__songs_for_playlist() -%}
    onnx_next_songs(
        {{ champion('next_song') }},
        (
            select {{ list_of('entries.track_uri', 'entries.position') }}
            from {{ ref('stg_mpd__playlist_tracks') }} as entries
            where entries.playlist_id = playlist
        ),
        (
            select {{ title_words('any_value(playlists.title)') }}
            from {{ ref('stg_mpd__playlists') }} as playlists
            where playlists.playlist_id = playlist
            having count(*) > 0
        ),
        k,
        {{ given_song_options() }}
    )
{%- endmacro %}

{#- The track must be a constant, see songs_for_playlist. -#}
{% macro snowflake__nearest_tracks() -%}
    case
        when {{ raise_error(
            "case when k not between 1 and 100 then 'similar_tracks: k is ' || k || ': give 1 to 100' end", 'varchar'
        ) }} is null then (
            select
                array_agg(
                    object_construct('rank', nearest.place, 'track_uri', nearest.track_uri, 'score', nearest.score)
                ) within group (order by nearest.place asc nulls last)
            from (
                select
                    scored.track_uri,
                    scored.score,
                    row_number() over (order by scored.score desc nulls last, scored.track_uri asc nulls last) as place
                from (
                    select
                        others.track_uri,
                        {{ helper_name('dot_product') }}(others.vector, given.vector) as score
                    from {{ ref('fct_track_vectors') }} as others
                    cross join {{ ref('fct_track_vectors') }} as given
                    where given.track_uri = track and others.track_uri <> track
                ) as scored
                where scored.score is not null
            ) as nearest
            where nearest.place <= k
            having count(*) > 0
        )
    end
{%- endmacro %}

{#- The list must be a constant, see songs_for_playlist. -#}
{% macro snowflake__unknown_tracks() -%}
    case when track_uris is not null then (
        select
            array_agg(
                coalesce(
                    cast(uris.value as varchar) || ' is not a track that next_song models were trained on',
                    'a track is NULL'
                )
            ) within group (order by uris.index asc nulls last)
        from table(flatten(input => track_uris)) as uris
        left join {{ ref('feat_next_song_tracks') }} as known
            on known.track_uri = cast(uris.value as varchar)
        where known.track_uri is null
    ) end
{%- endmacro %}

{#- ---- Registry and runs ---- -#}

{% macro snowflake__begin_hook() -%}
    begin;
{%- endmacro %}

{% macro snowflake__commit_hook() -%}
    commit;
{%- endmacro %}

{#- A function with more optional arguments does not replace an earlier one, and Snowflake refuses both at once. -#}
{% macro earlier_signatures() -%}
    {% do return([
        'next_songs(array, number)',
        'next_songs_for_playlist(number, number)',
        'next_songs_for_title(varchar, number)',
        'onnx_next_songs(varchar, array, array, number)',
    ]) %}
{%- endmacro %}

{% macro snowflake__create_helpers() -%}
    {%- do run_query("create schema if not exists " ~ target.database ~ "." ~ target.schema) if execute -%}
    {%- for signature in (earlier_signatures() if execute else []) -%}
        {%- do run_query("drop function if exists " ~ target.database ~ "." ~ target.schema ~ "." ~ signature) -%}
    {%- endfor -%}
    {%- for name, helper in helpers().items() if execute and helper.module == 'helpers' -%}
        {%- do run_query(python_function(helper_name(name), helper.arguments, helper.returns, helper.module, name)) -%}
    {%- endfor -%}
{%- endmacro %}

{% macro snowflake__create_function_definitions() -%}
{%- endmacro %}

{% macro snowflake__renew_functions() -%}
    {%- for function in (graph.functions.values() if execute else []) if function.config.meta.snowflake -%}
        {%- do run_query(python_function(
            target.database ~ '.' ~ function.schema ~ '.' ~ function.name,
            function.arguments, function.returns.data_type, 'served', function.config.meta.snowflake
        )) -%}
    {%- endfor -%}
    {%- for name, helper in helpers().items() if execute and helper.module == 'served' -%}
        {%- do run_query(python_function(helper_name(name), helper.arguments, helper.returns, helper.module, name)) -%}
    {%- endfor -%}
{%- endmacro %}

{% macro snowflake__row_parts(relation) -%}
    {%- do return(1) -%}
{%- endmacro %}

{% macro snowflake__has_sql_backend() -%}
    {%- do return(false) -%}
{%- endmacro %}

{#- All NULL, because functions on Snowflake run the ONNX graphs and do not use the SQL backend. -#}
{% macro snowflake__sql_backend_columns(form) -%}
    {%- for name, type in sql_backend_types().items() %}
    cast(null as {{ column_type(type) }}) as {{ name }}
    {%- if not loop.last %},{% endif %}
    {%- endfor %}
{%- endmacro %}

{#- A graph is a file on a stage, because the largest graphs exceed the size of a binary value. -#}
{% macro snowflake__lost_artifacts(artifacts) -%}
    {%- set files = [''] -%}
    {%- for file in rows_of("list @" ~ models_stage()) -%}
        {%- do files.append(file[0].split('/')[-1].removesuffix('.onnx')) -%}
    {%- endfor -%}
    select model_id
    from {{ artifacts }}
    where model_id not in ({{ quoted(files) }})
{%- endmacro %}

{% macro snowflake__remove_graphs() -%}
    {%- for row in rows_of("select model_id from ml.registry group by model_id having count(case when pruned_at is null then 1 end) = 0") -%}
        {%- do run_query("remove @" ~ models_stage() ~ "/" ~ row[0] ~ ".onnx") -%}
    {%- endfor -%}
{%- endmacro %}

{% macro snowflake__drop_leftovers(model) -%}
{%- endmacro %}

{#- ---- Overrides of macros of dbt and its adapter ---- -#}

{#- A SQL function, or a Python function if `meta.snowflake` in its YAML names its handler in
    udfs/snowflake/served.py. -#}
{% macro snowflake__scalar_function_sql(target_relation) -%}
    {%- if model.config.meta.snowflake -%}
    {{ python_function(target_relation, model.arguments, model.returns.data_type, 'served', model.config.meta.snowflake) }}
    {%- else -%}
    create or replace function {{ target_relation }} ({{ function_arguments(model.arguments) }}) copy grants
    returns {{ column_type(model.returns.data_type) }}
    as
    $$
    {{ model.compiled_code }}
    $$
    {%- endif -%}
{%- endmacro %}

{#- The columns of a contract without rows, in Snowflake's types, to compare a model with. -#}
{% macro snowflake__get_empty_schema_sql(columns) -%}
    select
    {%- for column in columns.values() %}
        cast(null as {{ column_type(column.data_type) }}) as {{ column.name }}
        {%- if not loop.last %},{% endif %}
    {%- endfor %}
{%- endmacro %}

{#- The columns and constraints of a contract in Snowflake's types, to create a table with. -#}
{% macro snowflake__get_table_columns_and_constraints() -%}
    {%- set columns = {} -%}
    {%- for name, column in model.columns.items() -%}
        {%- do columns.update({name: dict(column, data_type=column_type(column.data_type))}) -%}
    {%- endfor -%}
    (
    {%- for column in adapter.render_raw_columns_constraints(raw_columns=columns) %}
        {{ column }}
        {%- if not loop.last %},{% endif %}
    {%- endfor %}
    )
{%- endmacro %}
