{#- The fold of a song, the same in every warehouse. Salt 0 is stored; another salt is another split. -#}
{% macro fold(pair_key, salt=0) -%}
    cast(mod({{ hex_to_integer("left(md5(" ~ pair_key ~ " || '|" ~ salt ~ "'), 8)") }}, {{ var('folds') }}) as integer)
{%- endmacro %}
