{#- The type of a ranked list of songs. -#}
{% macro song_list() -%}
    struct(rank integer, track_uri varchar, score double)[]
{%- endmacro %}

{#- What a function says where only the runtime can answer: `nulls` are the arguments by which it is
    NULL, `type` is what it returns, `stored` where answers already stand. -#}
{% macro needs_runtime(name, nulls, type, stored) -%}
    case
        when model_id is null
            then {{ raise_error(
                "'" ~ name ~ ": model_id is NULL: see select model_id, task, algorithm from ml.model_versions'", type
            ) }}
        when contains(model_id, ' ') then {{ raise_error("'" ~ name ~ ": ' || model_id || ': run `hitparade build`'", type) }}
        when {{ nulls | join(' is null or ') }} is null then null
        else {{ raise_error(
            "'" ~ name ~ ": model ' || model_id || ' has no form in pure SQL: run it in Python, after "
            ~ "udfs.register(connection), or read " ~ stored ~ "'",
            type
        ) }}
    end
{%- endmacro %}
