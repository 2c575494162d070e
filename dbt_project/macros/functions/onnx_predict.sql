{#- The portable lane: a model's parameters, read as one row, evaluated in pure SQL.

    `__served` is the only column in the subquery's scope, so that whatever a caller passes as
    model_id cannot be mistaken for a column of the table. any_value, though there is one row at most:
    DuckDB 2.0 guards other scalar subqueries with a volatile check, which windows refuse (see
    raise_error). Inputs are cast to float because the thresholds are; a number that float cannot hold
    becomes NULL, a bad value like any other, and so are those beyond 1e15: float32 might overflow on
    the way to the scores where the float64 of SQL does not.
-#}
{% macro served(model_id, features) -%}
    [struct_pack(
        id := cast({{ model_id }} as varchar),
        model := (
            select any_value(__served)
            from (select served as __served from ml.served_models as served)
            where __served.model_id = {{ model_id }}
        ),
        features := cast({{ features }} as double[]),
        x := list_transform(
            list_transform(cast({{ features }} as double[]), lambda v: try_cast(v as float)),
            lambda v: case when abs(v) <= 1e15 then v end
        )
    )]
{%- endmacro %}

{#- What a bad call is told; `o` is the struct of `served`, `type` what the function returns. -#}
{% macro bad_call(o, name, type) -%}
    when {{ o }}.id is null
        then {{ raise_error(
            "'" ~ name ~ ": model_id is NULL: see select model_id, task, algorithm from ml.served_models'", type
        ) }}
    when {{ o }}.model.model_id is null
        then {{ raise_error(
            "'" ~ name ~ ": ' || case when contains(" ~ o ~ ".id, ' ') then " ~ o ~ ".id else 'no model ' || "
            ~ o ~ ".id || ' is served' end || ': see select model_id, task, algorithm from ml.served_models, and "
            ~ "select * from ml.challengers for a task without champion; any model of "
            ~ "ml.model_versions that was not pruned runs after udfs.register(connection)'",
            type
        ) }}
    when len({{ o }}.x) <> len({{ o }}.model.inputs)
        then {{ raise_error(
            "'" ~ name ~ ": model ' || " ~ o ~ ".id || ' takes ' || len(" ~ o ~ ".model.inputs) "
            ~ "|| ' features, got ' || len(" ~ o ~ ".x) || ': see select inputs from ml.model_versions'",
            type
        ) }}
{%- endmacro %}

{#- Raw scores of a net: each layer's dot products, then its activation. The struct that goes from
    layer to layer carries the values where a layer has its intercepts. Bad values count as 0, because
    list_dot_product refuses a whole vector of rows for a NULL in one of them. -#}
{% macro net_scores(o) -%}
    list_reduce(
        {{ o }}.model.layers,
        lambda values, layer: struct_pack(
            weights := cast(null as double[][]),
            intercepts := list_transform(
                [list_transform(
                    layer.weights,
                    lambda weights, i: layer.intercepts[i] + list_dot_product(weights, values.intercepts)
                )],
                lambda sums: {{ activated('layer.activation', 'sums') }}
            )[1],
            activation := cast(null as varchar)
        ),
        struct_pack(
            weights := cast(null as double[][]),
            intercepts := list_transform({{ o }}.x, lambda v: coalesce(cast(v as double), 0)),
            activation := cast(null as varchar)
        )
    ).intercepts
{%- endmacro %}

{#- Raw scores of a tree ensemble: walk down each tree, add what the leaves say. -#}
{% macro tree_scores(o) -%}
    list_transform(
        [list_transform(
            {{ o }}.model.roots,
            lambda root: list_reduce(
                range(cast({{ o }}.model.depth as bigint)),
                lambda node, step: {{ o }}.model.next[node]
                + cast({{ o }}.x[{{ o }}.model.features[node]] >= {{ o }}.model.thresholds[node] as integer),
                root
            )
        )],
        lambda reached: list_transform(
            {{ o }}.model.leaves,
            lambda leaf, i: {{ o }}.model.intercepts[i] + list_sum(list_transform(reached, lambda node: leaf[node]))
        )
    )[1]
{%- endmacro %}

{#- From raw scores to what the model answers. -#}
{% macro transformed(o, scores) -%}
    list_transform([{{ scores }}], lambda s: {{ answered(o ~ '.model.transform') }})[1]
{%- endmacro %}

{#- Scores that float32 can hold, else NULL: what a graph makes of numbers far out of its range. -#}
{% macro finite(scores) -%}
    list_transform(
        [{{ scores }}],
        lambda s: case
            when len(list_filter(s, lambda v: isfinite(try_cast(v as float)))) = len(s) then s
        end
    )[1]
{%- endmacro %}
