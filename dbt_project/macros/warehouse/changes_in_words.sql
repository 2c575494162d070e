{#- Advice of optimize_song as a sentence. -#}
{% macro changes_in_words(optimization) -%}
    {{ return(adapter.dispatch('changes_in_words')(optimization)) }}
{%- endmacro %}

{% macro duckdb__changes_in_words(optimization) -%}
    list_transform(
        [{{ optimization }}],
        lambda o: case
            when o is null then null
            when len(o.changes) = 0 then 'Leave it as it is: no change was found that would help.'
            else list_transform(
                [list_transform(o.changes, lambda change: {{ change_in_words('change') }})],
                lambda sentences: upper(left(sentences[1], 1)) || substr(
                    case
                        when len(sentences) = 1 then sentences[1]
                        else array_to_string(sentences[:-2], ', ') || ' and ' || sentences[-1]
                    end,
                    2
                )
            )[1]
            || ': popularity by the model ' || {{ rounded_text('o.popularity_before', 0) }}
            || ' to ' || {{ rounded_text('o.popularity_after', 0) }}
            || ' (' || {{ rounded_text('o.popularity_delta', 1, '+') }}
            || '), and ' || {{ rounded_text('o.judged_delta', 1, '+') }} || ' by the judge.'
        end
    )[1]
{%- endmacro %}

{% macro snowflake__changes_in_words(optimization) -%}
    {{ helper_name('changes_in_words') }}({{ optimization }}, as_array(parse_json('{{ changeable() | tojson }}')))
{%- endmacro %}
