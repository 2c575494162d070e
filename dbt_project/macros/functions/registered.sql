{#- For functions of registered models, which only DuckDB has. models_py/columns.py has the names of their inputs. -#}

{#- The column that an encoded input comes from. -#}
{% macro input_group(name) -%}
    split_part(split_part(split_part({{ name }}, '=', 1), ' is missing', 1), ' is other', 1)
{%- endmacro %}

{#- The SQL of an encoded input, from the columns of the CTE `registered`. Texts are searched in a list, because a
    collation of the session does not change that. A text that the model does not know is infinite, so the answer is NULL. -#}
{% macro registered_input(row) -%}
    case when texts is null and not has_missing and not has_other
        then 'cast({{ row }}"' || replace(name, '"', '""') || '" as double)'
        else list_transform(
            [struct_pack(
                value := '{{ row }}"' || replace("group", '"', '""') || '"',
                found := 'coalesce(list_position(' || coalesce(texts, '[]') || ', cast({{ row }}"' || replace("group", '"', '""')
                || '" as varchar)), 0)'
            )],
            lambda o: case
                when text_place = 1 and not has_missing then 'case when ' || o.value || ' is not null then ' else ''
            end || case
                when text_place = 1 and not has_other
                    then 'case when ' || o.value || ' is not null and ' || o.found || ' = 0 then cast(''inf'' as double) else '
                else ''
            end || 'cast(' || case
                when text_place is not null then o.found || ' = ' || text_place
                when name = "group" || ' is missing' then o.value || ' is null'
                else o.value || ' is not null and ' || o.found || ' = 0'
            end || ' as double)' || repeat(' end', case
                when text_place = 1 then cast(not has_missing as bigint) + cast(not has_other as bigint) else 0
            end)
        )[1]
    end
{%- endmacro %}

{#- The label of a row. -#}
{% macro label_of(labels, scores) -%}
    [{{ quoted(labels) }}][{{ place_of_label(labels, scores) }}]
{%- endmacro %}

{#- The place of a row's label: the one that the model itself gives after its scores, else that of the largest score. -#}
{% macro place_of_label(labels, scores) -%}
    list_transform(
        [{{ scores }}],
        lambda s: case
            when len(s) > {{ labels | length }} then cast(s[{{ labels | length + 1 }}] as bigint) + 1
            else list_position(s, list_max(s))
        end
    )[1]
{%- endmacro %}

{#- All labels of a row, of a model whose labels do not exclude each other. -#}
{% macro labels_of(labels, scores) -%}
    list_transform(
        [{{ scores }}],
        lambda s: case when s is not null then
            list_filter([{{ quoted(labels) }}], lambda label, i: s[i] > 0.5)
        end
    )[1]
{%- endmacro %}

{#- The names of the arguments of a registered task. -#}
{% macro registered_arguments(task) -%}
    {% do return(registered_tasks()[task].arguments | list) %}
{%- endmacro %}

{#- The forms of a function of the encoded inputs of a registered model. The arguments `first` stand before the others.
    For one input, `f(x)` and `f(t)` would be the same. -#}
{% macro encoded_overloads(task, first=[]) -%}
    {%- do ref('stamped_functions') -%}
    {%- set names = registered_arguments(task) -%}
    ({{ (first + names) | join(', ') }}) as {{ caller('[inputs of ' ~ task ~ ']') }}
    {%- if names | length > 1 %},
    ({{ (first + ['t']) | join(', ') }}) as {{ caller('[inputs by row of ' ~ task ~ ']') }}
    {%- endif %}
{%- endmacro %}

{#- What a registered model answers, by its scores. -#}
{% macro registered_answer(task, scores) -%}
    {%- set facts = registered_tasks()[task] -%}
    {%- if facts.kind == 'number' -%}
    {{ scores }}[1]
    {%- elif facts.kind == 'numbers' -%}
    {{ by_label(facts.outputs, scores) }}
    {%- elif facts.kind == 'labels' -%}
    {{ labels_of(facts.outputs, scores) }}
    {%- elif facts.is_boolean -%}
    cast({{ label_of(facts.outputs, scores) }} as boolean)
    {%- else -%}
    {{ label_of(facts.outputs, scores) }}
    {%- endif -%}
{%- endmacro %}

{#- The scores of all labels; of a boolean answer, the score of true. -#}
{% macro registered_proba(task, scores) -%}
    {%- set facts = registered_tasks()[task] -%}
    {{ scores ~ '[2]' if facts.is_boolean else by_label(facts.outputs, scores) }}
{%- endmacro %}

{#- The place of the score that is explained: the only one, that of true, that of the label, or that of the argument
    `output`. -#}
{% macro registered_place(task, inputs) -%}
    {%- set facts = registered_tasks()[task] -%}
    {%- if facts.kind == 'number' or facts.is_boolean -%}
    {{ 2 if facts.is_boolean else 1 }}
    {%- elif facts.kind == 'label' -%}
    {{ place_of_label(facts.outputs, 'onnx_predict(' ~ champion(task) ~ ', ' ~ inputs ~ ')') }}
    {%- else -%}
    coalesce(
        list_position([{{ quoted(facts.outputs) }}], output),
        {{ raise_error("'explain_" ~ task ~ ": there is no output ' || coalesce(output, 'NULL') || ': use one of "
            ~ escape_single_quotes(facts.outputs | join(', ')) ~ "'", 'integer') }}
    )
    {%- endif -%}
{%- endmacro %}

{#- The relation with the present rows of a registered task: a dbt model, or another table. -#}
{% macro relation_of(task) -%}
    {%- set relation = registered_tasks()[task].relation -%}
    {%- if not relation -%}
        {%- do exceptions.raise_compiler_error("the rows of task " ~ task ~ " are not known: declare rows in tasks/" ~ task ~ ".yml") -%}
    {%- endif -%}
    {%- if '.' in relation -%}
        {%- do return(relation) -%}
    {%- endif -%}
    {%- do return(ref(relation)) -%}
{%- endmacro %}

{#- Stops the run if a declaration does not agree with the models of its task: answers would be wrong without a word. -#}
{% macro check_registered_tasks() -%}
    {%- set models = adapter.get_relation(target.database, 'ml', 'registered_models') if execute and registered_tasks() else none -%}
    {%- if models is not none and has_sql_backend() -%}
        {%- set found = {} -%}
        {%- for task, answer, outputs, arguments in run_query(
            "select task, answer, to_json(outputs), to_json(list_distinct(list_transform(inputs, lambda input: "
            ~ input_group('input.name') ~ "))) from " ~ models ~ " where task in (" ~ quoted(registered_tasks() | list) ~ ")"
        ).rows -%}
            {%- do found.setdefault(task, []).append([answer, fromjson(outputs), fromjson(arguments) | sort]) -%}
        {%- endfor -%}
        {%- for task, facts in registered_tasks().items() if task in found -%}
            {%- if [facts.kind, facts.outputs, facts.arguments | list | sort] not in found[task] -%}
                {%- set known = found[task][-1] -%}
                {%- do exceptions.raise_compiler_error(
                    "tasks/" ~ task ~ ".yml does not agree with the models of the task: they have kind " ~ known[0]
                    ~ ", outputs " ~ known[1] | join(', ') ~ " and arguments " ~ known[2] | join(', ')
                    ~ ". Change the file, and run `hitparade generate`"
                ) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
