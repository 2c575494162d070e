{#- The raw scores of a graph of any shape, see models_py/sql_backend/program.py. The numbers of a row begin with the
    features. Steps add what they compute from earlier numbers, then all trees add their sums, then further steps add
    theirs. Trees stand outside of the steps, because DuckDB copies a list that is read within list_reduce. No part stands
    in a lambda of another one: the time to plan a lambda doubles with each lambda around it. -#}
{% macro step_scores(model, x) -%}
    {%- set before = with_steps(model ~ '.steps', floats_of(model, x), computed_step_before_trees('known.intercepts')) -%}
    {%- set numbers = 'list_transform([' ~ before ~ '], lambda known: ' ~ with_trees(model, 'known') ~ ')[1]' -%}
    {{ with_steps(model ~ '.further_steps', numbers, computed_step('known.intercepts')) }}
{%- endmacro %}

{#- The numbers and what steps compute from them. `computed` is what a `step` computes. The struct that is passed between
    steps has the numbers in the field that holds the intercepts in a step. -#}
{% macro with_steps(steps, numbers, computed) -%}
    list_reduce(
        {{ steps }},
        lambda known, step: struct_pack(
            op := cast(null as varchar),
            takes := cast(null as integer[]),
            weights := cast(null as double[][]),
            intercepts := case step.op
                when 'Take' then list_select(known.intercepts, step.takes)
                else list_concat(known.intercepts, {{ computed }})
            end
        ),
        struct_pack(
            op := cast(null as varchar),
            takes := cast(null as integer[]),
            weights := cast(null as double[][]),
            intercepts := {{ numbers }}
        )
    ).intercepts
{%- endmacro %}

{#- The numbers and the sums of each tree ensemble: first those of the first raw scores of all ensembles. -#}
{% macro with_trees(model, numbers) -%}
    list_concat({{ numbers }}, flatten(list_transform(
        [{{ reached_nodes(model, numbers) }}],
        lambda reached: list_transform(
            {{ model }}.leaves,
            lambda leaf: list_transform(
                {{ model }}.ensembles,
                lambda ensemble: list_sum(
                    list_transform(reached[ensemble.first_root:ensemble.last_root], lambda node: leaf[node])
                )
            )
        )
    )[1]))
{%- endmacro %}
