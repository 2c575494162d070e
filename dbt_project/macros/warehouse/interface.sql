{#- The differences between warehouses. Each macro here has a variant `duckdb__<name>` in duckdb.sql and
    `snowflake__<name>` in snowflake.sql, and nothing else in the project depends on the
    warehouse. _macros.yml describes each macro. To add a warehouse, add a file with a variant of each.
    See docs/decisions/0020-warehouses.md. -#}

{#- ---- Types, literals and scalars ---- -#}

{% macro column_type(type) -%}
    {{ return(adapter.dispatch('column_type')(type)) }}
{%- endmacro %}

{% macro text_literal(text) -%}
    {{ return(adapter.dispatch('text_literal')(text)) }}
{%- endmacro %}

{% macro flag_number(flag) -%}
    {{ return(adapter.dispatch('flag_number')(flag)) }}
{%- endmacro %}

{% macro hex_to_integer(hex) -%}
    {{ return(adapter.dispatch('hex_to_integer')(hex)) }}
{%- endmacro %}

{#- The pattern must not have a backslash, because only some warehouses read it as an escape in a literal. -#}
{% macro matches(text, pattern) -%}
    {{ return(adapter.dispatch('matches')(text, pattern)) }}
{%- endmacro %}

{% macro words(text, most) -%}
    {{ return(adapter.dispatch('words')(text, most)) }}
{%- endmacro %}

{% macro raise_error(message, type) -%}
    {{ return(adapter.dispatch('raise_error')(message, type)) }}
{%- endmacro %}

{% macro utc_now() -%}
    {{ return(adapter.dispatch('utc_now')()) }}
{%- endmacro %}

{% macro timestamp_of_seconds(seconds) -%}
    {{ return(adapter.dispatch('timestamp_of_seconds')(seconds)) }}
{%- endmacro %}

{#- ---- Lists, structs and JSON ---- -#}

{% macro empty_list(type) -%}
    {{ return(adapter.dispatch('empty_list')(type)) }}
{%- endmacro %}

{% macro element(list, place, type='double') -%}
    {{ return(adapter.dispatch('element')(list, place, type)) }}
{%- endmacro %}

{% macro has_true(flags) -%}
    {{ return(adapter.dispatch('has_true')(flags)) }}
{%- endmacro %}

{% macro is_list(column) -%}
    {{ return(adapter.dispatch('is_list')(column)) }}
{%- endmacro %}

{% macro each(list, alias, outer=false) -%}
    {{ return(adapter.dispatch('each')(list, alias, outer)) }}
{%- endmacro %}

{% macro field(struct, name, type='varchar') -%}
    {{ return(adapter.dispatch('field')(struct, name, type)) }}
{%- endmacro %}

{% macro list_field(list, name) -%}
    {{ return(adapter.dispatch('list_field')(list, name)) }}
{%- endmacro %}

{% macro parse_json(text, shape) -%}
    {{ return(adapter.dispatch('parse_json')(text, shape)) }}
{%- endmacro %}

{% macro row_as_json(alias, columns) -%}
    {{ return(adapter.dispatch('row_as_json')(alias, columns)) }}
{%- endmacro %}

{% macro fields_as_json(struct, names) -%}
    {{ return(adapter.dispatch('fields_as_json')(struct, names)) }}
{%- endmacro %}

{#- ---- Aggregates ---- -#}

{% macro distinct_list(column) -%}
    {{ return(adapter.dispatch('distinct_list')(column)) }}
{%- endmacro %}

{% macro joined_text(column, separator, order) -%}
    {{ return(adapter.dispatch('joined_text')(column, separator, order)) }}
{%- endmacro %}

{% macro list_of(column, order) -%}
    {{ return(adapter.dispatch('list_of')(column, order)) }}
{%- endmacro %}

{#- ---- Raw files and staging ---- -#}

{% macro check_is_loaded() -%}
    {{ return(adapter.dispatch('check_is_loaded')()) }}
{%- endmacro %}

{#- Called by `hitparade load`:

        dbt run-operation load_raw --target snowflake --args '{folder: /files, code: 0123456789abcdef}'
-#}
{% macro load_raw(folder, code) -%}
    {{ return(adapter.dispatch('load_raw')(folder, code)) }}
{%- endmacro %}

{% macro read_playlists() -%}
    {{ return(adapter.dispatch('read_playlists')()) }}
{%- endmacro %}

{% macro numbered_tracks(playlists) -%}
    {{ return(adapter.dispatch('numbered_tracks')(playlists)) }}
{%- endmacro %}

{#- ---- One-hot groups and scores ---- -#}

{% macro as_list(given) -%}
    {{ return(adapter.dispatch('as_list')(given)) }}
{%- endmacro %}

{% macro genre_name(text) -%}
    {{ return(adapter.dispatch('genre_name')(text)) }}
{%- endmacro %}

{% macro genre_names(given) -%}
    {{ return(adapter.dispatch('genre_names')(given)) }}
{%- endmacro %}

{% macro vocabulary(task, name) -%}
    {{ return(adapter.dispatch('vocabulary')(task, name)) }}
{%- endmacro %}

{% macro check_vocabulary(task, model_id) -%}
    {{ return(adapter.dispatch('check_vocabulary')(task, model_id)) }}
{%- endmacro %}

{% macro input_groups(inputs) -%}
    {{ return(adapter.dispatch('input_groups')(inputs)) }}
{%- endmacro %}

{% macro one_hot(given, vocabulary) -%}
    {{ return(adapter.dispatch('one_hot')(given, vocabulary)) }}
{%- endmacro %}

{% macro unknown_members(name, vocabulary, row) -%}
    {{ return(adapter.dispatch('unknown_members')(name, vocabulary, row)) }}
{%- endmacro %}

{% macro likeliest(labels, scores) -%}
    {{ return(adapter.dispatch('likeliest')(labels, scores)) }}
{%- endmacro %}

{% macro by_label(labels, scores) -%}
    {{ return(adapter.dispatch('by_label')(labels, scores)) }}
{%- endmacro %}

{#- ---- How functions are defined, called and find their model ---- -#}

{% macro parameters(names) -%}
    {{ return(adapter.dispatch('parameters')(names)) }}
{%- endmacro %}

{#- The call block receives the encoded inputs:

        {% call(inputs) overloads('hit') %}
            {{ inputs }}
        {% endcall %}
-#}
{% macro overloads(task) -%}
    {{ return(adapter.dispatch('overloads')(task, caller)) }}
{%- endmacro %}

{#- The call block receives the scores of the task's champion. `names` are the arguments, for a task of registered models:

        {% call(scores) scored_overloads('mood', ['energy', 'valence']) %}
            {{ scores }}[1]
        {% endcall %}
-#}
{% macro scored_overloads(task, names=none) -%}
    {{ return(adapter.dispatch('scored_overloads')(task, names or argument_names(task), caller)) }}
{%- endmacro %}

{#- The call block receives the scores of the newest model of the argument `algorithm`. -#}
{% macro scored_overloads_by_algorithm(task) -%}
    {{ return(adapter.dispatch('scored_overloads_by_algorithm')(task, caller)) }}
{%- endmacro %}

{% macro check_overloads(task) -%}
    {{ return(adapter.dispatch('check_overloads')(task)) }}
{%- endmacro %}

{% macro optimize_song_overloads() -%}
    {{ return(adapter.dispatch('optimize_song_overloads')()) }}
{%- endmacro %}

{% macro by_row(function, task, row) -%}
    {{ return(adapter.dispatch('by_row')(function, task, row)) }}
{%- endmacro %}

{% macro function_parameters(name) -%}
    {{ return(adapter.dispatch('function_parameters')(name)) }}
{%- endmacro %}

{#- The call block is the answer:

        {% call from_own_file(song_list()) %}
            ...
        {% endcall %}
-#}
{% macro from_own_file(type) -%}
    {{ return(adapter.dispatch('from_own_file')(type, caller)) }}
{%- endmacro %}

{% macro champion(task) -%}
    {{ return(adapter.dispatch('champion')(task)) }}
{%- endmacro %}

{% macro newest(task, algorithm='algorithm') -%}
    {{ return(adapter.dispatch('newest')(task, algorithm)) }}
{%- endmacro %}

{#- ---- Bodies of functions ---- -#}

{% macro changes_in_words(optimization) -%}
    {{ return(adapter.dispatch('changes_in_words')(optimization)) }}
{%- endmacro %}

{% macro explained() -%}
    {{ return(adapter.dispatch('explained')()) }}
{%- endmacro %}

{% macro explained_task(task, features, output) -%}
    {{ return(adapter.dispatch('explained_task')(task, features, output)) }}
{%- endmacro %}

{% macro assigned() -%}
    {{ return(adapter.dispatch('assigned')()) }}
{%- endmacro %}

{% macro songs_for_playlist() -%}
    {{ return(adapter.dispatch('songs_for_playlist')()) }}
{%- endmacro %}

{% macro nearest_tracks() -%}
    {{ return(adapter.dispatch('nearest_tracks')()) }}
{%- endmacro %}

{% macro unknown_tracks() -%}
    {{ return(adapter.dispatch('unknown_tracks')()) }}
{%- endmacro %}

{#- ---- Registry and runs ---- -#}

{% macro begin_hook() -%}
    {{ return(adapter.dispatch('begin_hook')()) }}
{%- endmacro %}

{% macro commit_hook() -%}
    {{ return(adapter.dispatch('commit_hook')()) }}
{%- endmacro %}

{% macro create_helpers() -%}
    {{ return(adapter.dispatch('create_helpers')()) }}
{%- endmacro %}

{% macro create_function_definitions() -%}
    {{ return(adapter.dispatch('create_function_definitions')()) }}
{%- endmacro %}

{% macro renew_functions() -%}
    {{ return(adapter.dispatch('renew_functions')()) }}
{%- endmacro %}

{% macro row_parts(relation) -%}
    {{ return(adapter.dispatch('row_parts')(relation)) }}
{%- endmacro %}

{% macro has_sql_backend() -%}
    {{ return(adapter.dispatch('has_sql_backend')()) }}
{%- endmacro %}

{% macro sql_backend_columns(form) -%}
    {{ return(adapter.dispatch('sql_backend_columns')(form)) }}
{%- endmacro %}

{% macro lost_artifacts(artifacts) -%}
    {{ return(adapter.dispatch('lost_artifacts')(artifacts)) }}
{%- endmacro %}

{% macro remove_graphs() -%}
    {{ return(adapter.dispatch('remove_graphs')()) }}
{%- endmacro %}

{% macro drop_leftovers(model) -%}
    {{ return(adapter.dispatch('drop_leftovers')(model)) }}
{%- endmacro %}
