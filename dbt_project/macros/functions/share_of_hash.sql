{#- A number between 0 and 1, both excluded, that depends on a text alone and is spread evenly: of md5, the
    first 32 bits. -#}
{% macro share_of_hash(text) -%}
    (({{ hex_to_integer('substr(md5(' ~ text ~ '), 1, 8)') }} + 1) / 4294967297.0)
{%- endmacro %}
