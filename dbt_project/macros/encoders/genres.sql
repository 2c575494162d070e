{#- Genres as a block: 1 for each genre of the vocabulary that the row has. An unknown genre is
    nothing, an empty list is all zeros, and NULL makes every place NULL.

    The struct is there for speed: where `t.genres` is part of a row, DuckDB would hand all columns of the row to
    the inner lambda, for each genre of the vocabulary. A lambda may not hold the subquery of the vocabulary. -#}
{% macro genres_block(row) -%}
    {% do return({
        'name': 'genres',
        'block': vocabulary(),
        'expression': 'list_transform([struct_pack(given := ' ~ row ~ 'genres, known := ' ~ vocabulary()
            ~ ')], lambda o: list_transform(o.known, lambda genre: cast(list_contains(o.given, genre) as double)))[1]',
    }) %}
{%- endmacro %}

{#- The known genres in order, as a list in SQL. Without the name of a database, so that a renamed
    file answers as before; models that use it say `depends_on` the seed. -#}
{% macro vocabulary() -%}
    (select list(genre order by genre) from staging.genres)
{%- endmacro %}

{#- Names of a block's places, such as genres=pop. -#}
{% macro block_names(name, vocabulary) -%}
    list_transform({{ vocabulary }}, lambda member: '{{ name }}=' || member)
{%- endmacro %}

{#- Sentences about the members of a row's block that the vocabulary lacks. -#}
{% macro unknown_members(name, vocabulary, row) -%}
    list_transform(
        [struct_pack(given := cast({{ row }}{{ name }} as varchar[]), known := {{ vocabulary }})],
        lambda o: list_transform(
            list_filter(o.given, lambda member: coalesce(not list_contains(o.known, member), true)),
            lambda member: '{{ name }}: ' || coalesce(member, 'NULL') || ' is not known and counts as none'
        )
    )[1]
{%- endmacro %}
