{#- The fields of a struct as JSON text; NULL where there is no struct. -#}
{% macro fields_as_json(struct, names) -%}
    {{ return(adapter.dispatch('fields_as_json')(struct, names)) }}
{%- endmacro %}

{% macro duckdb__fields_as_json(struct, names) -%}
    cast(to_json({{ struct }}) as varchar)
{%- endmacro %}

{% macro snowflake__fields_as_json(struct, names) -%}
    case
        when is_object({{ struct }}) then to_json(object_construct_keep_null(
            {%- for name in names %}'{{ name }}', {{ field(struct, name) }}{% if not loop.last %}, {% endif %}{% endfor -%}
        ))
    end
{%- endmacro %}
