{#- The type of a ranked list of songs. -#}
{% macro song_list() -%}
    struct(rank integer, track_uri varchar, score double)[]
{%- endmacro %}

{#- The body of a function that needs ONNX Runtime, for sessions without it. `nulls` are the arguments that
    make the answer NULL, `type` is the return type, `stored` is the table with stored answers. -#}
{% macro needs_runtime(name, nulls, type, stored) -%}
    case
        when model_id is null
            then {{ raise_error(
                "'" ~ name ~ ": model_id is NULL: see select model_id, task, algorithm from ml.model_versions'", type
            ) }}
        when {{ says_no_model('model_id') }} then {{ raise_error("'" ~ name ~ ": ' || model_id || ': run `hitparade build`'", type) }}
        when {{ nulls | join(' is null or ') }} is null then null
        else {{ raise_error(
            "'" ~ name ~ ": model ' || model_id || ' has no SQL form: call it in Python after "
            ~ "udfs.register(connection), or read " ~ stored ~ "'",
            type
        ) }}
    end
{%- endmacro %}

{#- The options of next_songs and its relatives as parameters with defaults. Snowflake takes them from the YAML. -#}
{% macro song_options() -%}
    {% do return([
        'exclude := cast(null as varchar[])',
        "among := ['*']",
        'per_artist := cast(null as bigint)',
        'allow_other_versions := false',
    ]) %}
{%- endmacro %}

{#- The same options as arguments of onnx_next_songs. -#}
{% macro given_song_options() -%}
    {{ as_list('exclude') }}, {{ as_list('among') }}, per_artist, allow_other_versions
{%- endmacro %}
