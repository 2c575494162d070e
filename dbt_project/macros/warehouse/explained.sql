{#- The body of onnx_explain. -#}
{% macro explained() -%}
    {{ return(adapter.dispatch('explained')()) }}
{%- endmacro %}

{#- What a model says of the mixed songs of a plan, weighed. No column has a name that a caller's could be mistaken for. The
    features are a column, for what stands in a lambda is computed for each element. -#}
{% macro duckdb__explained() -%}
    {%- do ref('int_explanation_plans') -%}
    (
        select case
            when count(*) = 0 and task_name is not null
                then {{ raise_error(
                    "'onnx_explain: task ' || task_name || ' has no background: give one of "
                    ~ explained_tasks() | join(', ') ~ ", whose source has rows'", explanation()
                ) }}
            when count(__score) = count(*) and count(*) > 0 then {{ ranked_terms() }}
        end
        from (
            select
                __terms,
                __weights,
                onnx_predict(
                    model_id, list_transform(__background, lambda v, i: case when __is_own[i] then __own[i] else v end)
                )[__place] as __score
            from (
                select
                    features as __own,
                    list_transform(
                        [struct_pack(place := output, scores := onnx_predict(model_id, features))],
                        lambda o: case when o.scores is not null then coalesce(o.place, list_position(o.scores, list_max(o.scores))) end
                    )[1] as __place
            ) as __song
            cross join (
                select
                    task as __task,
                    terms as __terms,
                    weights as __weights,
                    background as __background,
                    is_own as __is_own
                from features.int_explanation_plans
            ) as __plan
            where __task = task_name
        ) as __mixed
    )
{%- endmacro %}

{#- The sum of each term, the average first and then the largest; equal ones by name. -#}
{% macro ranked_terms() -%}
    {%- set most = namespace(terms=0) -%}
    {%- for task in explained_tasks() -%}
        {%- set most.terms = [most.terms, argument_names(task) | length + 1] | max -%}
    {%- endfor -%}
    list_transform(
        list_concat(
            [struct_pack(size := 0, feature := 'average', contribution := sum(__score * __weights[1]))],
            list_sort(list_filter(
                [
                    {%- for place in range(2, most.terms + 1) %}
                    struct_pack(
                        size := -abs(sum(__score * __weights[{{ place }}])),
                        feature := any_value(__terms)[{{ place }}],
                        contribution := sum(__score * __weights[{{ place }}])
                    )
                    {%- if not loop.last %},{% endif %}
                    {%- endfor %}
                ],
                lambda term: term.feature is not null
            ))
        ),
        lambda term, place: struct_pack(
            "rank" := cast(place - 1 as integer), feature := term.feature, contribution := term.contribution
        )
    )
{%- endmacro %}

{#- There it is Python: a function of Snowflake cannot mix songs in a query of its own. -#}
{% macro snowflake__explained() -%}
{%- endmacro %}
