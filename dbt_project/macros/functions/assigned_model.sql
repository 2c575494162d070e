{#- One of the 10,000 buckets that a task's traffic is split into, from the first 32 bits of md5. -#}
{% macro bucket(text) -%}
    {{ hex_to_integer('substr(md5(' ~ text ~ '), 1, 8)') }} % 10000
{%- endmacro %}
