{#- The fold of a song or a playlist, the same in every warehouse. Salt 0 is the stored split;
    another salt gives another split. -#}
{% macro fold(key, salt=0, folds=none) -%}
    {%- if var('folds') < 2 -%}
        {% do exceptions.raise_compiler_error("the variable folds is " ~ var('folds') ~ ": give at least 2") %}
    {%- endif -%}
    cast(mod({{ hex_to_integer("left(md5(" ~ key ~ " || '|" ~ salt ~ "'), 8)") }}, {{ folds or var('folds') }}) as integer)
{%- endmacro %}
