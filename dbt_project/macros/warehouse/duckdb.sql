{#- DuckDB's variants of the macros in interface.sql, in the same order, and its overrides of dbt's
    macros. -#}

{#- ---- Types, literals and scalars ---- -#}

{% macro duckdb__column_type(type) -%}
    {%- do return(type) -%}
{%- endmacro %}

{% macro duckdb__text_literal(text) -%}
    '{{ text | replace("'", "''") }}'
{%- endmacro %}

{#- Text is converted too. A number stays unchanged: as a boolean, NaN or 2 would become true, and the
    check could not report it. -#}
{% macro duckdb__flag_number(flag) -%}
    coalesce(try_cast({{ flag }} as double), cast(cast({{ flag }} as boolean) as double))
{%- endmacro %}

{% macro duckdb__hex_to_integer(hex) -%}
    cast('0x' || {{ hex }} as bigint)
{%- endmacro %}

{% macro duckdb__matches(text, pattern) -%}
    regexp_full_match({{ text }}, '{{ pattern }}')
{%- endmacro %}

{% macro duckdb__words(text, most) -%}
    list_filter(
        regexp_split_to_array(lower(coalesce(cast({{ text }} as varchar), '')), '[^\p{L}\p{N}]+'), lambda word: word <> ''
    )[:{{ most }}]
{%- endmacro %}

{#- DuckDB's own error() is volatile, and DuckDB 2.0 refuses volatile functions in the ORDER BY of a
    window, such as rank() over (order by predict_hit(t)). A cast that fails is not volatile. -#}
{% macro duckdb__raise_error(message, type) -%}
    cast({{ message }} as {{ type }})
{%- endmacro %}

{% macro duckdb__utc_now() -%}
    make_timestamp(epoch_us(now()))
{%- endmacro %}

{% macro duckdb__timestamp_of_seconds(seconds) -%}
    make_timestamp({{ seconds }} * 1000000)
{%- endmacro %}

{#- ---- Lists, structs and JSON ---- -#}

{% macro duckdb__empty_list(type) -%}
    cast([] as {{ type }}[])
{%- endmacro %}

{% macro duckdb__element(list, place, type) -%}
    {{ list }}[{{ place }}]
{%- endmacro %}

{% macro duckdb__has_true(flags) -%}
    list_contains({{ flags }}, true)
{%- endmacro %}

{% macro duckdb__is_list(column) -%}
    {%- do return(column.dtype.endswith('[]')) -%}
{%- endmacro %}

{% macro duckdb__each(list, alias, outer) -%}
    {%- if outer -%}
    left join unnest({{ list }}) as {{ alias }} (value) on true
    {%- else -%}
    cross join unnest({{ list }}) as {{ alias }} (value)
    {%- endif -%}
{%- endmacro %}

{% macro duckdb__field(struct, name, type) -%}
    struct_extract({{ struct }}, '{{ name }}')
{%- endmacro %}

{% macro duckdb__list_field(list, name) -%}
    list_transform({{ list }}, lambda item: struct_extract(item, '{{ name }}'))
{%- endmacro %}

{% macro duckdb__parse_json(text, shape) -%}
    try(from_json({{ text }}, '{{ tojson(shape) }}'))
{%- endmacro %}

{% macro duckdb__row_as_json(alias, columns) -%}
    cast(to_json({{ alias }}) as varchar)
{%- endmacro %}

{% macro duckdb__fields_as_json(struct, names) -%}
    cast(to_json({{ struct }}) as varchar)
{%- endmacro %}

{#- ---- Aggregates ---- -#}

{% macro duckdb__distinct_list(column) -%}
    list_sort(list(distinct {{ column }}), 'ASC', 'NULLS LAST')
{%- endmacro %}

{% macro duckdb__joined_text(column, separator, order) -%}
    string_agg({{ column }}, '{{ separator }}' order by {{ order }} asc nulls last)
{%- endmacro %}

{% macro duckdb__list_of(column, order) -%}
    list({{ column }} order by {{ order }} asc nulls last)
{%- endmacro %}

{#- ---- Raw files and staging ---- -#}

{% macro duckdb__check_is_loaded() -%}
{%- endmacro %}

{% macro duckdb__load_raw(folder, code) -%}
    {% do exceptions.raise_compiler_error("DuckDB reads the raw files in place: run `hitparade build`") %}
{%- endmacro %}

{#- Files are read where they are. Slices are looked up in a map, not joined: DuckDB would build the hash
    table of such a join from the texts and hold all of them in memory, not one at a time. What this cannot
    read, such as lines of JSON, or a compressed or broken slice, is read by the function `unpacked_slice` of the
    plugin. -#}
{% macro duckdb__read_playlists() -%}
    {%- set slices = slices_to_read(ref('stg_raw__slices'), this if is_incremental() else none) -%}
    {%- set shape = {'rule': 'varchar', 'reason': 'varchar', 'playlists': ['json'], 'places': ['bigint']} -%}
    with slices as (

        select
            {{ looked_up('path', slices.slice) }} as slice,
            {{ looked_up('path', slices.fingerprint) }} as fingerprint,
            path,
            case
                when not {{ is_json_lines('path') }} then {{ parse_json('content', {'playlists': ['json']}) }}
            end as parsed
        from {{ texts_of(slices.slice.keys() | list) }}

    ),

    unpacked as (

        select
            slice,
            fingerprint,
            parsed.playlists,
            case when coalesce(len(parsed.playlists), 0) = 0 then {{ parse_json('unpacked_slice(path)', shape) }} end as other
        from slices

    ),

    listed as (

        select
            slice,
            fingerprint,
            case when coalesce(len(playlists), 0) > 0 then playlists else other.playlists end as playlists,
            other.places,
            other.rule,
            other.reason
        from unpacked

    )

    -- Every slice has at least one row, but a file without lines has none.
    select
        slice,
        fingerprint,
        case when playlists is null then coalesce(rule, 'not_json') end as slice_rule,
        reason as slice_reason,
        cast(unnest(coalesce(playlists, [null])) as varchar) as content,
        unnest(coalesce(places, range(len(coalesce(playlists, [null]))))) as place
    from listed
{%- endmacro %}

{% macro looked_up(key, values) -%}
    cast(map([{{ quoted(values.keys()) }}], [{{ quoted(values.values()) }}])[{{ key }}] as varchar)
{%- endmacro %}

{#- Paths as patterns that match no other file. -#}
{% macro literal_paths(paths) -%}
    {%- set patterns = [] -%}
    {%- for path in paths -%}
        {%- do patterns.append(modules.re.sub('([*?[])', '[\\1]', path)) -%}
    {%- endfor -%}
    {%- do return(patterns) -%}
{%- endmacro %}

{% macro texts_of(paths) -%}
    (
        {%- if paths %}
        select
            filename as path,
            try(decode(content)) as content
        from read_blob([{{ quoted(literal_paths(paths)) }}])
        {#- DuckDB passes over a file that another program has removed since the files were listed. -#}
        where {{ raise_error(
            "case when (select count(*) from read_blob([" ~ quoted(literal_paths(paths)) ~ "])) < " ~ paths | length
            ~ " then 'a file of playlists was removed while files were read: run it again' end", 'boolean'
        ) }} is null
        {%- else %}
        select
            cast(null as varchar) as path,
            cast(null as varchar) as content
        where false
        {%- endif %}
    )
{%- endmacro %}

{#- Repeated positions are searched only in playlists that have some, and not in the query with unnest,
    which would repeat the search for each track. There is one row per track because DuckDB writes 122,880
    rows at a time, and as many complete playlists take 2 GB. -#}
{% macro duckdb__numbered_tracks(playlists) -%}
    with listed as (

        select
            *,
            list_transform(tracks, lambda track: struct_extract(track, 'pos')) as positions
        from {{ playlists }}

    ),

    searched as (

        select
            * replace (
                case when rule is null and len(tracks) > 0 then tracks end as tracks,
                case when len(list_distinct(positions)) < len(positions) then positions end as positions
            ),
            len(tracks) as track_count
        from listed

    ),

    flat as (

        select
            * exclude (tracks),
            unnest(coalesce(tracks, [null])) as track,
            generate_subscripts(tracks, 1) as place_in_playlist
        from searched

    )

    select
        * exclude (positions, place_in_playlist),
        place_in_playlist - 1 as entry,
        coalesce(list_position(positions, track.pos) < place_in_playlist, false) as is_again
    from flat
{%- endmacro %}

{#- ---- One-hot groups and scores ---- -#}

{#- A text stands for the list of its parts between semicolons, as in the tracks file. -#}
{% macro duckdb__as_list(given) -%}
    coalesce(
        try_cast({{ given }} as varchar[]),
        list_filter(
            list_transform(string_split(cast({{ given }} as varchar), ';'), lambda part: trim(part)),
            lambda part: part <> ''
        )
    )
{%- endmacro %}

{% macro duckdb__genre_name(text) -%}
    list_transform([{{ spelled_alike(text) }}], lambda name: {{ meant_genre('name') }})[1]
{%- endmacro %}

{#- Most lists are in the spelling already, and comparing the whole list at once takes a twentieth of the time. -#}
{% macro duckdb__genre_names(given) -%}
    list_transform(
        list_transform(
            [{{ as_list(given) }}],
            lambda genres: case
                when regexp_full_match(array_to_string(genres, '-'), '[a-z0-9]+(-[a-z0-9]+)*') then genres
                else list_transform(genres, lambda genre: {{ spelled_alike('genre') }})
            end
        )[1],
        lambda name: {{ meant_genre('name') }}
    )
{%- endmacro %}

{% macro spelled_alike(text) -%}
    nullif(
        trim(
            regexp_replace(replace(nfc_normalize(lower({{ text }})), '&', ' and '), '[^\p{L}\p{M}\p{N}]+', '-', 'g'), '-'
        ),
        ''
    )
{%- endmacro %}

{% macro meant_genre(name) -%}
    case {{ name }}
        {%- for spelling, genre in genre_spellings().items() %}
        when '{{ spelling }}' then '{{ genre }}'
        {%- endfor %}
        else {{ name }}
    end
{%- endmacro %}

{#- A feature table is encoded with the genres of the present rows, a function with those that the champion knows: a
    promotion stamps them into it. No database name, so that the functions of a renamed file keep working. -#}
{% macro duckdb__vocabulary(task, name) -%}
    {%- if model is defined and model.resource_type == 'function' -%}
    [{{ name }} of {{ task }}]
    {%- else -%}
    {{ present_genres() }}
    {%- endif -%}
{%- endmacro %}

{% macro present_genres() -%}
    (select coalesce(list(genre order by genre asc nulls last), []) from staging.genres)
{%- endmacro %}

{#- Nothing to check: a promotion creates the functions again. -#}
{% macro duckdb__check_vocabulary(task, model_id) -%}
{%- endmacro %}

{#- The members of a one-hot group count as one input. -#}
{% macro duckdb__input_groups(inputs) -%}
    list_transform(
        [list_transform({{ inputs }}, lambda input: {{ input_group("struct_extract(input, 'name')") }})],
        lambda names: list_transform(
            list_filter(range(1, len(names) + 1), lambda i: i = 1 or names[i] <> names[i - 1]), lambda i: names[i]
        )
    )[1]
{%- endmacro %}

{#- The struct is there for speed: if `given` is a field of a row, DuckDB would otherwise copy all columns
    of the row into the inner lambda for each member of the vocabulary. A lambda may not contain the
    subquery of the vocabulary. -#}
{% macro duckdb__one_hot(given, vocabulary) -%}
    {{ member_numbers(genre_names(given), vocabulary) }}
{%- endmacro %}

{% macro member_numbers(members, vocabulary) -%}
    list_transform([struct_pack(given := {{ members }}, known := {{ vocabulary }})],
        lambda o: list_transform(o.known, lambda member: cast(list_contains(o.given, member) as double)))[1]
{%- endmacro %}

{% macro duckdb__unknown_members(name, vocabulary, row) -%}
    list_transform(
        [struct_pack(given := {{ genre_names(row ~ name) }}, known := {{ vocabulary }})],
        lambda o: list_transform(
            list_filter(o.given, lambda member: coalesce(not list_contains(o.known, member), true)),
            lambda member: '{{ name }}: ' || coalesce(member, 'NULL') || ' is not known and counts as none'
        )
    )[1]
{%- endmacro %}

{% macro duckdb__likeliest(labels, scores) -%}
    list_transform([{{ scores }}], lambda s: [{{ quoted(labels) }}][list_position(s, list_max(s))])[1]
{%- endmacro %}

{% macro duckdb__by_label(labels, scores) -%}
    list_transform(
        [{{ scores }}],
        lambda s: case when s is not null then struct_pack(
            {%- for label in labels %}"{{ label | replace('"', '""') }}" := s[{{ loop.index }}]{% if not loop.last %}, {% endif %}{% endfor -%}
        ) end
    )[1]
{%- endmacro %}

{#- ---- How functions are defined, called and find their model ---- -#}

{#- A macro declares its parameters in its text, once for each overload. -#}
{% macro duckdb__parameters(names) -%}
    {%- do ref('stamped_functions') -%}
    ({{ names | join(', ') }}) as
{%- endmacro %}

{#- By arguments, `f(a, b)`, and by row, `f(t)`. -#}
{% macro duckdb__overloads(task, body) -%}
    {%- do ref('stamped_functions') -%}
    ({{ argument_names(task) | join(', ') }}) as {{ body(encoded_list(task)) }},
    (t) as {{ body(encoded_list(task, 't.')) }}
{%- endmacro %}

{#- Placeholders, see `stamped`. -#}
{% macro duckdb__scored_overloads(task, names, body) -%}
    {%- do ref('stamped_functions') -%}
    ({{ names | join(', ') }}) as {{ body('[scores of ' ~ task ~ ']') }}
    {#- For one input, `f(x)` and `f(t)` would be the same. -#}
    {%- if names | length > 1 %},
    (t) as {{ body('[scores by row of ' ~ task ~ ']') }}
    {%- endif %}
{%- endmacro %}

{% macro duckdb__scored_overloads_by_algorithm(task, body) -%}
    {%- do ref('stamped_functions') -%}
    {%- set scores = 'onnx_predict(' ~ newest(task) ~ ', ' -%}
    (algorithm, {{ argument_names(task) | join(', ') }}) as {{ body(scores ~ encoded_arguments(task, '') ~ ')') }},
    (algorithm, t) as {{ body(scores ~ encoded_arguments(task, 't.') ~ ')') }}
{%- endmacro %}

{% macro duckdb__check_overloads(task) -%}
    {%- do ref('stamped_functions') -%}
    ({{ argument_names(task) | join(', ') }}) as {{ check(task, '') }},
    (t) as {{ check(task, 't.') }}
{%- endmacro %}

{#- The options follow the arguments and have defaults. -#}
{% macro duckdb__optimize_song_overloads() -%}
    {%- do ref('stamped_functions') -%}
    {%- set options = ['features := cast(null as varchar[])'] -%}
    {%- for name, value in optimization_defaults().items() if name != 'steps' -%}
        {%- do options.append(name ~ ' := ' ~ value) -%}
    {%- endfor -%}
    ({{ (argument_names('song_optimization') + options) | join(', ') }}) as
    {{ optimized(encoded_list('song_optimization')) }},
    ({{ (['t'] + options) | join(', ') }}) as
    {{ optimized(encoded_list('song_optimization', 't.')) }}
{%- endmacro %}

{% macro duckdb__by_row(function, task, row) -%}
    {{ function }}({{ row }})
{%- endmacro %}

{% macro duckdb__function_parameters(name) -%}
    (
        select any_value(functions.parameters)
        from duckdb_functions() as functions
        where
            functions.function_name = {{ name }}
            and functions.database_name = current_database()
            and functions.parameters <> ['t']
    )
{%- endmacro %}

{#- A placeholder, see `stamped`. The id stands in the function, so that the function of one open file cannot answer with
    the champion of another. -#}
{% macro duckdb__champion(task) -%}
    [champion of {{ task }}]
{%- endmacro %}

{#- A placeholder, see `stamped`. -#}
{% macro duckdb__newest(task, algorithm) -%}
    coalesce([newest of {{ task }}][{{ algorithm }}], 'task {{ task }} has no model by ' || coalesce({{ algorithm }}, 'NULL'))
{%- endmacro %}

{#- The definition of a function with the stamps of ml.stamps in the place of its placeholders. The stamps of scores are
    filled in first, because they contain placeholders of genres. Where a stamp is missing, a text that is not a model_id
    stands for the model, and onnx_predict raises an error with that text. -#}
{% macro stamped(definition) -%}
    {%- set missing = {
        "champion of (\\w+)": "'task \\1 has no champion'",
        "scores (?:by row )?of (\\w+)": "onnx_predict('task \\1 has no champion', cast(null as double[]))",
        "inputs (?:by row )?of \\w+": "cast(null as double[])",
        "newest of \\w+": "cast(map() as map(varchar, varchar))",
    } -%}
    {%- set filled = namespace(sql="list_reduce(list_concat([[" ~ definition ~ ", '']], coalesce((select list([placeholder, stamp] "
        ~ "order by starts_with(placeholder, '[scores') desc nulls last) from ml.stamps), [])), "
        ~ "lambda text, found: [replace(text[1], found[1], found[2]), ''])[1]") -%}
    {%- for placeholder, sql in missing.items() -%}
        {%- set pattern = text_literal("\\[" ~ placeholder ~ "\\]") -%}
        {%- set filled.sql = "regexp_replace(" ~ filled.sql ~ ", " ~ pattern ~ ", " ~ text_literal(sql) ~ ", 'g')" -%}
    {%- endfor -%}
    {%- set genres = "(select " ~ list_as_sql(text_as_sql('genre'), 'genre') ~ " from staging.genres)" -%}
    {%- set filled.sql = "regexp_replace(" ~ filled.sql ~ ", '\\[\\w+_text of \\w+\\]', 'array_to_string(' || "
        ~ genres ~ " || ', '';'')', 'g')" %}
    regexp_replace({{ filled.sql }}, '\[\w+ of \w+\]', {{ genres }}, 'g')
{%- endmacro %}

{#- A text as a SQL literal that has no placeholder. -#}
{% macro text_as_sql(column) -%}
    '''' || replace(
        replace({{ column }}, '''', ''''''), '[', ''' || chr(91) || '''
    ) || ''''
{%- endmacro %}

{#- The rows of a group as a SQL list. `item` is the SQL of one row, as text. -#}
{% macro list_as_sql(item, order) -%}
    '[' || coalesce(
        string_agg({{ item }}, ', ' order by {{ order }} asc nulls last), ''
    ) || ']'
{%- endmacro %}

{#- The function compares the id of its creation with that in the file in use. A copy of a file has the same ids until one
    of the two is built again. -#}
{% macro duckdb__from_own_file(type, answer) -%}
    case
        when (
            select any_value(__creation_id)
            from (
                select
                    __definitions.name as __name,
                    __definitions.creation_id as __creation_id
                from ml.function_definitions as __definitions
            )
            where __name = 'main.{{ model.name }}'
        ) = '[creation id]' then {{ answer() }}
        else {{ raise_error(
            "'" ~ model.name ~ ": this function belongs to another file than the one in use, and reads tables: "
            ~ "run `use` with the name of its database first'", type
        ) }}
    end
{%- endmacro %}

{#- ---- Bodies of functions ---- -#}

{#- Columns are qualified in these, because an argument of a function may have the name of a column. -#}

{% macro duckdb__changes_in_words(optimization) -%}
    list_transform(
        [{{ optimization }}],
        lambda o: case
            when o is null then null
            when len(o.changes) = 0 then 'Leave it as it is: no change was found that would help.'
            else list_transform(
                [list_transform(o.changes, lambda change: {{ change_in_words('change') }})],
                lambda sentences: upper(left(sentences[1], 1)) || substr(
                    case
                        when len(sentences) = 1 then sentences[1]
                        else array_to_string(sentences[:-2], ', ') || ' and ' || sentences[-1]
                    end,
                    2
                )
            )[1]
            || ': popularity by the model ' || {{ rounded_text('o.popularity_before', 0) }}
            || ' to ' || {{ rounded_text('o.popularity_after', 0) }}
            || ' (' || {{ rounded_text('o.popularity_delta', 1, '+') }}
            || '), and ' || {{ rounded_text('o.judged_delta', 1, '+') }} || ' by the held-out evaluator.'
        end
    )[1]
{%- endmacro %}

{% macro duckdb__explained() -%}
    {%- do function('onnx_explain_plan') -%}
    {% call from_own_file(explanation()) %}
    onnx_explain_plan(
        case when task_name is not null then {{ plan_of('task_name', 'model_id') }} end, model_id, features, output
    )
    {% endcall %}
{%- endmacro %}

{#- A plan is passed by its id, because another open file has other plans. A sentence stands for a plan that is
    missing, or whose songs are encoded with other genres than those of the model. -#}
{% macro plan_of(task, model_id) -%}
    coalesce(
        (
            select any_value(__plans.plan_id)
            from ml.explanation_plans as __plans
            left join ml.served_models as __served
                on __served.model_id = {{ model_id }}
            where
                __plans.task = {{ task }}
                and __plans.input_names = coalesce(
                    list_transform(__served.inputs, lambda input: input.name), __plans.input_names
                )
        ),
        'task ' || {{ task }} || ' has no background rows with the inputs of the model'
    )
{%- endmacro %}

{% macro duckdb__explained_task(task, features, output) -%}
    {% call from_own_file(explanation()) %}
    onnx_explain_plan({{ plan_of("'" ~ task ~ "'", champion(task)) }}, {{ champion(task) }}, {{ features }}, {{ output }})
    {% endcall %}
{%- endmacro %}

{#- The model and the plan are read once for a query, and the mixed songs are scored in lambdas. A query for each row
    would be run for all rows of a table before a LIMIT around it applies. A list of one element names a value. -#}
{% macro explained_by_plan() -%}
    {%- do ref('explanation_plans') -%}
    list_transform(
        [struct_pack(
            plan_id := cast(plan as varchar),
            output := cast(output as bigint),
            o := {{ served('model_id', 'features') }}[1],
            plan := (
                select any_value(__plan)
                from (
                    select
                        plan_id as __plan_id,
                        struct_pack(terms := terms, mixes := mixes, weights := weights) as __plan
                    from ml.explanation_plans
                )
                where __plan_id = plan
            )
        )],
        lambda e: list_transform(
            [list_transform([e.o], lambda o: {{ scored('o', 'onnx_explain', '[step_scores]') }})[1]],
            lambda answer: case
                when e.plan_id is null then null
                when e.plan is null
                    then {{ raise_error(
                        "'onnx_explain: ' || case when " ~ says_no_model('e.plan_id')
                        ~ " then e.plan_id else 'the plan ' || e.plan_id || ' is not in the file in use' end "
                        ~ "|| ': run `hitparade build`, or give the task of the model, one of "
                        ~ explained_tasks() | join(', ') ~ "; a registered model needs examples'", explanation()
                    ) }}
                when len(e.o.x) <> len(e.plan.mixes[1].background)
                    then {{ raise_error(
                        "'onnx_explain: the model takes ' || len(e.o.x) || ' inputs, and the background rows of the task have ' "
                        ~ "|| len(e.plan.mixes[1].background) || ': give the task of the model'",
                        explanation()
                    ) }}
                when answer is null then null
                when not e.output between 1 and len(answer)
                    then {{ raise_error(
                        "'onnx_explain: output is ' || e.output || ': give 1 to ' || len(answer) || ', or NULL for the largest'",
                        explanation()
                    ) }}
                else list_transform(
                    [list_transform(
                        list_transform(
                            e.plan.mixes,
                            lambda mix: list_transform(
                                mix.background,
                                lambda v, i: case when mix.is_own[i] then e.o.x[i] else v end
                            )
                        ),
                        lambda x: {{ scores_of('e.o.model', 'x', '[mixed_step_scores]') }}[
                            coalesce(e.output, list_position(answer, list_max(answer)))
                        ]
                    )],
                    lambda scores: case
                        when len(list_filter(scores, lambda score: score is null)) = 0
                            then list_transform(
                                [list_transform(e.plan.weights, lambda weights: list_dot_product(weights, scores))],
                                lambda sums: {{ ranked_terms('e.plan.terms', 'sums') }}
                            )[1]
                    end
                )[1]
            end
        )[1]
    )[1]
{%- endmacro %}

{% macro ranked_terms(names, sums) -%}
    list_transform(
        list_concat(
            [struct_pack(size := cast('-inf' as double), feature := {{ names }}[1], contribution := {{ sums }}[1])],
            list_sort(
                list_transform(
                    range(2, len({{ names }}) + 1),
                    lambda i: struct_pack(
                        size := -abs({{ sums }}[i]), feature := {{ names }}[i], contribution := {{ sums }}[i]
                    )
                ),
                'ASC',
                'NULLS LAST'
            )
        ),
        lambda term, place: struct_pack(
            "rank" := cast(place - 1 as integer), feature := term.feature, contribution := term.contribution
        )
    )
{%- endmacro %}

{#- Both placeholders stand outside of the lambda, because its parameters would hide the caller's columns. -#}
{% macro duckdb__assigned() -%}
    list_transform(
        [struct_pack(
            champion := [champions][task_name],
            bucket := {{ bucket("task_name || '|' || coalesce(cast(key as varchar), '')") }},
            ranges := [traffic][task_name]
        )],
        lambda o: case
            when o.champion is not null
                then coalesce(
                    list_filter(o.ranges, lambda r: o.bucket between r.first_bucket and r.last_bucket)[1].model_id,
                    o.champion
                )
        end
    )[1]
{%- endmacro %}

{#- Names of columns begin with `__` so that they cannot hide a column of the caller. -#}
{% macro duckdb__songs_for_playlist() -%}
    onnx_next_songs(
        {{ champion('next_song') }},
        coalesce(
            (
                select list(__track_uri order by __position asc nulls last)
                from (
                    select
                        playlist_id as __playlist_id,
                        track_uri as __track_uri,
                        position as __position
                    from staging.stg_mpd__playlist_tracks
                )
                where __playlist_id = playlist
            ),
            -- a playlist without tracks is continued by its title
            (
                select any_value(cast([] as varchar[]))
                from (select playlist_id as __playlist_id from staging.stg_mpd__playlists)
                where __playlist_id = playlist
            )
        ),
        (
            select {{ title_words('any_value(__title)') }}
            from (
                select
                    playlist_id as __playlist_id,
                    title as __title
                from staging.stg_mpd__playlists
            )
            where __playlist_id = playlist
        ),
        k,
        {{ given_song_options() }}
    )
{%- endmacro %}

{#- All vectors are read once for a query, see explained_by_plan. -#}
{% macro duckdb__nearest_tracks() -%}
    list_transform(
        [struct_pack(
            uri := cast(track as varchar),
            k := cast(k as bigint),
            tracks := (
                select list(__track)
                from (select struct_pack(uri := track_uri, vector := vector) as __track from main.fct_track_vectors)
            )
        )],
        lambda o: case
            when o.k not between 1 and 100
                then {{ raise_error("'similar_tracks: k is ' || o.k || ': give 1 to 100'", song_list()) }}
            when o.k is not null then list_transform(
                [list_filter(o.tracks, lambda known: known.uri = o.uri)[1].vector],
                lambda given: case when given is not null then list_transform(
                    list_slice(
                        list_sort(
                            list_transform(
                                list_filter(o.tracks, lambda known: known.uri <> o.uri),
                                lambda known: struct_pack(
                                    distance := -cast(list_dot_product(known.vector, given) as double), uri := known.uri
                                )
                            ),
                            'ASC',
                            'NULLS LAST'
                        ),
                        1,
                        o.k
                    ),
                    lambda found, place: struct_pack(
                        "rank" := cast(place as integer), track_uri := found.uri, score := -found.distance
                    )
                ) end
            )[1]
        end
    )[1]
{%- endmacro %}

{#- Names of columns begin with `__`, see songs_for_playlist. -#}
{% macro duckdb__unknown_tracks() -%}
    case when track_uris is not null then coalesce(
        (
            select
                list(
                    coalesce(__uri || ' is not a track that next_song models were trained on', 'a track is NULL')
                    order by __place asc nulls last
                )
            from (
                select
                    unnest({{ as_list('track_uris') }}) as __uri,
                    generate_subscripts({{ as_list('track_uris') }}, 1) as __place
            )
            where not exists (
                select 1
                from (select track_uri as __known_uri from features.feat_next_song_tracks)
                where __known_uri = __uri
            )
        ),
        cast([] as varchar[])
    ) end
{%- endmacro %}

{#- ---- Registry and runs ---- -#}

{% macro duckdb__begin_hook() -%}
{%- endmacro %}

{% macro duckdb__commit_hook() -%}
{%- endmacro %}

{% macro duckdb__create_helpers() -%}
{%- endmacro %}

{#- It also drops the functions that the project no longer has: nothing would create them again for new champions.
    Statements at the start of a run are text, because dbt may roll back what run_query does there. -#}
{% macro duckdb__create_function_definitions() -%}
    create table if not exists ml.function_definitions (
        name varchar not null,
        creation_id varchar not null,
        definition varchar not null,
        statement varchar not null
    );
    {%- for name in functions_left_behind() %}
    drop macro if exists {{ target.database }}.{{ name }};
    delete from ml.function_definitions where name = '{{ name }}';
    {%- endfor %}
{%- endmacro %}

{% macro functions_left_behind() -%}
    {%- set left = [] -%}
    {%- if execute and run_query(
        "select 1 from duckdb_tables() where schema_name = 'ml' and table_name = 'function_definitions' "
        ~ "and database_name = current_database()"
    ).rows | length -%}
        {%- set present = [] -%}
        {%- for function in graph.functions.values() -%}
            {%- do present.append(function.schema ~ '.' ~ function.name) -%}
        {%- endfor -%}
        {%- for row in run_query("select name from ml.function_definitions").rows if row[0] not in present -%}
            {%- do left.append(row[0]) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- do return(left) -%}
{%- endmacro %}

{#- In the transaction of the caller. A first build has no functions yet. -#}
{% macro duckdb__renew_functions() -%}
    {%- set views = run_query(
        "select view_name from duckdb_views() where schema_name = 'ml' and view_name = 'stamped_functions' "
        ~ "and database_name = current_database()"
    ) if execute else [] -%}
    {%- if views | length -%}
        {%- for name, statement in run_query(stale_functions()).rows -%}
            {%- do run_query(statement) -%}
            {%- do run_query(record_function(name, statement)) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{#- DuckDB writes what does not fit into memory to the disk, but then needs several times the size of the database. -#}
{% macro duckdb__row_parts(relation) -%}
    {%- if execute and load_relation(relation) -%}
        {%- do return(1 + run_query("select count(*) from " ~ relation).rows[0][0] // var('plays_at_once')) -%}
    {%- endif -%}
    {%- do return(1) -%}
{%- endmacro %}

{% macro duckdb__has_sql_backend() -%}
    {%- do return(true) -%}
{%- endmacro %}

{% macro duckdb__sql_backend_columns(form) -%}
    unnest({{ form }}) -- noqa: AL03, each field becomes a column
{%- endmacro %}

{% macro duckdb__lost_artifacts(artifacts) -%}
    select model_id
    from {{ artifacts }}
    where onnx is null
{%- endmacro %}

{% macro duckdb__remove_graphs() -%}
{%- endmacro %}

{#- dbt-duckdb creates the temporary table of an incremental Python model as a permanent one in the
    target's schema, and never drops it. -#}
{% macro duckdb__drop_leftovers(model) -%}
    {%- set leftovers = run_query(
        "select table_name from duckdb_tables() where schema_name = '" ~ target.schema ~ "' and starts_with(table_name, '"
        ~ model.identifier ~ "__dbt_tmp')"
    ) if execute else [] -%}
    {%- for leftover in leftovers -%}
    drop table {{ target.schema }}.{{ leftover[0] }};
    {%- endfor -%}
{%- endmacro %}

{#- ---- Overrides of macros of dbt and its adapter ---- -#}

{#- `dbt show` takes the first rows. The limit is in an outer query, because the query may have a limit. -#}
{% macro duckdb__get_limit_sql(sql, limit) -%}
    {%- if limit is none or limit == -1 -%}
        {{ sql }}
    {%- else -%}
        select * from (
        {{ sql }}
        ) limit {{ limit }}
    {%- endif -%}
{%- endmacro %}

{#- dbt-duckdb does not support function resources. A persisted macro with all its overloads replaces one,
    and a comment in the catalog holds its description. Without the name of the database, DuckDB would comment on the
    TEMP macro of the same name that udfs.register creates. -#}
{% macro duckdb__scalar_function_sql(target_relation) -%}
    {%- set name = target_relation.schema ~ '.' ~ target_relation.identifier -%}
    {%- set creation_id = local_md5(invocation_id ~ name) -%}
    {%- set definition -%}
    create or replace macro [database].{{ name }}
    {{ model.compiled_code | replace('[creation id]', creation_id) }};
    comment on macro [database].{{ name }} is {{ duckdb_escape_comment(model.description | trim) }}
    {%- endset -%}
    {%- set statement = run_query("select " ~ stamped(text_literal(definition))).rows[0][0] -%}
    delete from ml.function_definitions where name = '{{ name }}';
    insert into ml.function_definitions values (
        '{{ name }}', '{{ creation_id }}', {{ text_literal(definition) }}, {{ text_literal(statement) }}
    );
    {{ statement }};
{%- endmacro %}

{#- dbt-duckdb's table. If the model's meta says `tmp_relation_type: view`, as dbt-snowflake calls it, the
    new rows of an incremental run come from a view. A temporary table would hold all of them in memory,
    uncompressed. A model that reads itself cannot use this. -#}
{% macro duckdb__create_table_as(temporary, relation, compiled_code, language='sql', partitioned_by=none, sorted_by=none) -%}
    {%- if temporary and config.get('meta', {}).get('tmp_relation_type') == 'view' -%}
        create temporary view {{ relation.include(database=false, schema=false) }} as (
            {{ compiled_code }}
        );
    {%- else -%}
        {{ dbt.duckdb__create_table_as(temporary, relation, compiled_code, language, partitioned_by, sorted_by) }}
    {%- endif -%}
{%- endmacro %}
