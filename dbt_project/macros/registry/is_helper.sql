{#- True for a model that takes part in a task and is no candidate: none of its metrics picks a champion. NULL for
    one from outside, which was not measured. -#}
{% macro is_helper(metrics) -%}
    not {{ has_true(list_field(metrics, 'is_primary')) }}
{%- endmacro %}
