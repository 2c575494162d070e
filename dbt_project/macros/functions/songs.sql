{#- The type of a ranked list of songs. -#}
{% macro song_list() -%}
    struct(rank integer, track_uri varchar, score double)[]
{%- endmacro %}

{#- What a function of the next song says where only the runtime can answer: `type` is what it returns, `stored` where
    answers already stand. -#}
{% macro needs_runtime(name, type, stored) -%}
    case
        when contains(model_id, ' ') then {{ raise_error("'" ~ name ~ ": ' || model_id || ': run `hitparade build`'", type) }}
        else {{ raise_error(
            "'" ~ name ~ ": model ' || model_id || ' has no form in pure SQL: run it in Python, after "
            ~ "udfs.register(connection), or read " ~ stored ~ "'",
            type
        ) }}
    end
{%- endmacro %}
