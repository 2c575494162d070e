{#- True for a helper model, which cannot become champion because none of its metrics is primary. NULL for a
    registered model, because it has no metrics. -#}
{% macro is_helper(metrics) -%}
    not {{ has_true(list_field(metrics, 'is_primary')) }}
{%- endmacro %}
