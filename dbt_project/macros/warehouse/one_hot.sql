{#- 1 for each member of a vocabulary that a list has, 0 for the others: a list as long as the vocabulary. An empty
    list is all zeros, and NULL makes every place NULL. -#}
{% macro one_hot(given, vocabulary) -%}
    {{ return(adapter.dispatch('one_hot')(given, vocabulary)) }}
{%- endmacro %}

{#- The struct is there for speed: where `given` is a field of a row, DuckDB would hand all columns of the row to
    the inner lambda, for each member of the vocabulary. A lambda may not hold the subquery of the vocabulary. -#}
{% macro duckdb__one_hot(given, vocabulary) -%}
    list_transform([struct_pack(given := {{ given }}, known := {{ vocabulary }})],
        lambda o: list_transform(o.known, lambda member: cast(list_contains(o.given, member) as double)))[1]
{%- endmacro %}

{% macro snowflake__one_hot(given, vocabulary) -%}
    {{ helper_name('one_hot') }}({{ given }}, {{ vocabulary }})
{%- endmacro %}
