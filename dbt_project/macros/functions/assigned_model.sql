{#- One of the 10,000 buckets that a task's traffic is split into, from the first 32 bits of md5. -#}
{% macro bucket(text) -%}
    {{ hex_to_integer('substr(md5(' ~ text ~ '), 1, 8)') }} % 10000
{%- endmacro %}

{#- The model_id of a task's champion, with the task given by an expression; NULL if the task has no champion. -#}
{% macro champion_of(task) -%}
    (
        select max(__champion.model_id)
        from (select champion as __champion from ml.champions as champion)
        where __champion.task = {{ task }}
    )
{%- endmacro %}
