{#- The body of onnx_explain. -#}
{% macro explained() -%}
    {{ return(adapter.dispatch('explained')()) }}
{%- endmacro %}

{#- What a model says of the mixed songs of a plan, weighed. No column has a name that a caller's could be mistaken for. The
    features are a column, for what stands in a lambda is computed for each element. -#}
{% macro duckdb__explained() -%}
    {%- do ref('int_explanation_plans') -%}
    (
        select any_value(case
            when __rows = 0 and task_name is not null
                then {{ raise_error(
                    "'onnx_explain: task ' || task_name || ' has no background: give one of "
                    ~ tabular_tasks() | join(', ') ~ ", whose source has rows'", explanation()
                ) }}
            when __scores = __rows and __rows > 0 then {{ ranked_terms('__names', '__sums') }}
        end)
        from (
            select
                count(*) as __rows,
                count(__score) as __scores,
                any_value(__terms) as __names,
                [
                    {%- for place in range(1, most_terms() + 1) %}
                    sum(__score * __weights[{{ place }}]){% if not loop.last %},{% endif %}
                    {%- endfor %}
                ] as __sums
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
                            [onnx_predict(model_id, features)],
                            lambda s: case
                                when s is null then null
                                when output is null then list_position(s, list_max(s))
                                when output between 1 and len(s) then output
                                else {{ raise_error(
                                    "'onnx_explain: output is ' || output || ': give 1 to ' || len(s) || ', or NULL for the largest'",
                                    'integer'
                                ) }}
                            end
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
        ) as __summed
    )
{%- endmacro %}

{#- How many terms the explanation of any task has, at most. -#}
{% macro most_terms() -%}
    {%- set most = namespace(terms=0) -%}
    {%- for task in tabular_tasks() -%}
        {%- set most.terms = [most.terms, argument_names(task) | length + 1] | max -%}
    {%- endfor -%}
    {%- do return(most.terms) -%}
{%- endmacro %}

{#- The terms as a list, the average first and then the largest; equal ones by name. -#}
{% macro ranked_terms(names, sums) -%}
    list_transform(
        list_concat(
            [struct_pack(size := cast('-inf' as double), feature := {{ names }}[1], contribution := {{ sums }}[1])],
            list_sort(list_transform(
                range(2, len({{ names }}) + 1),
                lambda i: struct_pack(size := -abs({{ sums }}[i]), feature := {{ names }}[i], contribution := {{ sums }}[i])
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
