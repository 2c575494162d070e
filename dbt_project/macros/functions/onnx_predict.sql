{#- The SQL backend: reads a model's parameters as one row and evaluates them in pure SQL.

    `__served` is the only column in the subquery's scope, so that an expression that a caller passes as
    model_id cannot refer to a column of the table. any_value is used although there is at most one row:
    DuckDB 2.0 adds a volatile check to other scalar subqueries, and windows refuse volatile functions (see
    raise_error).
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
        x := {{ usable(features) }}
    )]
{%- endmacro %}

{#- Features, with NaN for each that no model can use. So is a number beyond 1e15, because intermediate results could
    overflow in float32 but not in SQL's float64. The limit is on the nearest float32, also where a graph is in float64. -#}
{% macro usable(features) -%}
    list_transform(
        cast({{ features }} as double[]),
        lambda v: case when abs(try_cast(v as float)) <= 1e15 then v else cast('nan' as double) end
    )
{%- endmacro %}

{#- Features as a graph in float32 reads them. Trees need no rounding, because their thresholds account for it. -#}
{% macro floats(x) -%}
    list_transform({{ x }}, lambda v: cast(cast(v as float) as double))
{%- endmacro %}

{#- Features as the graph of a model reads them. -#}
{% macro floats_of(model, x) -%}
    case when {{ model }}.inputs[1].type = 'float64' then {{ x }} else {{ floats(x) }} end
{%- endmacro %}

{#- Whether a row lacks a feature that the model needs. `o` is the struct of `served`. -#}
{% macro lacks_features(o) -%}
    len(list_filter(
        {{ o }}.x,
        lambda v, i: case
            when isnan(v)
                then not (
                    coalesce({{ o }}.model.inputs[i].takes_missing, false)
                    and coalesce(isnan({{ o }}.features[i]), true)
                )
        end
    )) > 0
{%- endmacro %}

{#- Whether a model_id is the sentence that `champion` and `newest` give for a task without model. -#}
{% macro says_no_model(model_id) -%}
    {{ model_id }} like 'task % has no %'
{%- endmacro %}

{#- CASE branches that raise an error for a bad call. `o` is the struct of `served`, `type` the return type. -#}
{% macro bad_call(o, name, type) -%}
    when {{ o }}.id is null
        then {{ raise_error(
            "'" ~ name ~ ": model_id is NULL: see select model_id, task, algorithm from ml.served_models'", type
        ) }}
    when {{ o }}.model.model_id is null
        then {{ not_served(o ~ '.id', name, type) }}
    when len({{ o }}.x) <> len({{ o }}.model.inputs)
        then {{ wrong_width(o ~ '.id', 'len(' ~ o ~ '.model.inputs)', o ~ '.x', type, name) }}
{%- endmacro %}

{#- The error for a list of features of the wrong length. -#}
{% macro wrong_width(model_id, width, x, type, name='onnx_predict') -%}
    {{ raise_error(
        "'" ~ name ~ ": model ' || " ~ model_id ~ " || ' takes ' || " ~ width ~ " || ' features, got ' || len(" ~ x
        ~ ") || ': see select inputs from ml.model_versions'",
        type
    ) }}
{%- endmacro %}

{#- The error for a model that ml.served_models does not have. -#}
{% macro not_served(model_id, name, type) -%}
    {{ raise_error(
        "'" ~ name ~ ": ' || case when " ~ says_no_model(model_id) ~ " then " ~ model_id ~ " else 'no model ' || "
        ~ model_id ~ " || ' is served' end || ': see select model_id, task, algorithm from ml.served_models, and "
        ~ "select * from ml.challengers for a task without champion; any model of "
        ~ "ml.model_versions that was not pruned runs after udfs.register(connection)'",
        type
    ) }}
{%- endmacro %}

{#- The scores of a model; NULL for bad values. An error for a bad call. `o` is the struct of `served`. Models of kind
    steps are evaluated by the SQL `steps`. -#}
{% macro scored(o, name, steps) -%}
    case
        {{ bad_call(o, name, 'double[]') }}
        when {{ o }}.x is null or {{ lacks_features(o) }} then null
        when {{ o }}.model.kind is not null
            then {{ scores_of(o ~ '.model', o ~ '.x', steps) }}
        else {{ raise_error(
            "'" ~ name ~ ": model ' || " ~ o ~ ".id || ' has no SQL form: call it in Python after udfs.register(connection)'",
            'double[]'
        ) }}
    end
{%- endmacro %}

{#- The scores of a model for good values. `model` and `x` stay apart: a list of structs that hold the model would copy it
    for each row of values. -#}
{% macro scores_of(model, x, steps) -%}
    {{ finite(transformed(model, 'case ' ~ model ~ ".kind when 'trees' then " ~ tree_scores(model, x)
        ~ " when 'steps' then " ~ steps
        ~ ' else ' ~ net_scores(model, floats_of(model, x)) ~ ' end')) }}
{%- endmacro %}

{#- Raw scores of a net: each layer's dot products, then its activation. The struct that is passed between
    layers has the values in the field that holds the intercepts in a layer. -#}
{% macro net_scores(model, x) -%}
    list_reduce(
        {{ model }}.layers,
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
            intercepts := {{ x }},
            activation := cast(null as varchar)
        )
    ).intercepts
{%- endmacro %}

{#- Raw scores of a tree ensemble: walks down each tree and adds the values of the leaves. -#}
{% macro tree_scores(model, x) -%}
    list_transform([{{ reached_nodes(model, x) }}], lambda reached: {{ leaf_sums(model) }})[1]
{%- endmacro %}

{#- The leaf that each tree reaches. A missing number is NaN, and only a leaf has an infinite threshold. -#}
{% macro reached_nodes(model, x) -%}
    list_transform(
        {{ model }}.roots,
        lambda root: list_reduce(
            range(cast({{ model }}.depth as bigint)),
            lambda node, level: case
                when isinf({{ model }}.thresholds[node]) then node else {{ next_node(model, x) }}
            end,
            root
        )
    )
{%- endmacro %}

{#- The node below `node`; a leaf is below itself. NaN is larger than all thresholds. -#}
{% macro next_node(model, x) -%}
    {{ model }}.next[node] + cast({{ x }}[{{ model }}.features[node]] >= {{ model }}.thresholds[node] as integer)
{%- endmacro %}

{#- The raw scores from the leaves `reached`, one for each tree. -#}
{% macro leaf_sums(model) -%}
    list_transform(
        {{ model }}.leaves,
        lambda leaf, i: {{ model }}.intercepts[i] + list_sum(list_transform(reached, lambda node: leaf[node]))
    )
{%- endmacro %}

{#- The model's answer, computed from its raw scores. -#}
{% macro transformed(model, scores) -%}
    list_transform([{{ scores }}], lambda s: {{ answered(model ~ '.transform') }})[1]
{%- endmacro %}

{#- The scores, or NULL if float32 cannot hold one: a graph overflows for inputs far outside its range. -#}
{% macro finite(scores) -%}
    list_transform(
        [{{ scores }}],
        lambda s: case
            when len(list_filter(s, lambda v: isfinite(try_cast(v as float)))) = len(s) then s
        end
    )[1]
{%- endmacro %}
