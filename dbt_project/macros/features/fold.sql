{#- The fold of a song, the same in every warehouse. Salt 0 is stored; another salt is another split. -#}
{% macro fold(pair_key, salt=0) -%}
    {%- if var('folds') < 2 -%}
        {% do exceptions.raise_compiler_error("the variable folds is " ~ var('folds') ~ ": give at least 2") %}
    {%- endif -%}
    cast(mod({{ hex_to_integer("left(md5(" ~ pair_key ~ " || '|" ~ salt ~ "'), 8)") }}, {{ var('folds') }}) as integer)
{%- endmacro %}
