{#- For functions of registered models, which only DuckDB has. models_py/columns.py has the names of their inputs. -#}

{#- The column that an encoded input comes from. -#}
{% macro input_group(name) -%}
    split_part(split_part(split_part({{ name }}, '=', 1), ' is missing', 1), ' is other', 1)
{%- endmacro %}

{#- The SQL of an encoded input, from the columns of the CTE `registered`. Texts are searched in a list, because a
    collation of the session does not change that. A text that the model does not know is infinite, so the answer is NULL. -#}
{% macro registered_input(row) -%}
    case when texts is null and not has_missing and not has_other
        then 'cast({{ row }}"' || replace(name, '"', '""') || '" as double)'
        else list_transform(
            [struct_pack(
                value := '{{ row }}"' || replace("group", '"', '""') || '"',
                found := 'coalesce(list_position(' || coalesce(texts, '[]') || ', cast({{ row }}"' || replace("group", '"', '""')
                || '" as varchar)), 0)'
            )],
            lambda o: case
                when text_place = 1 and not has_missing then 'case when ' || o.value || ' is not null then ' else ''
            end || case
                when text_place = 1 and not has_other
                    then 'case when ' || o.value || ' is not null and ' || o.found || ' = 0 then cast(''inf'' as double) else '
                else ''
            end || 'cast(' || case
                when text_place is not null then o.found || ' = ' || text_place
                when name = "group" || ' is missing' then o.value || ' is null'
                else o.value || ' is not null and ' || o.found || ' = 0'
            end || ' as double)' || repeat(' end', case
                when text_place = 1 then cast(not has_missing as bigint) + cast(not has_other as bigint) else 0
            end)
        )[1]
    end
{%- endmacro %}

{#- The label of a row: the one that the model itself gives after its scores, else that of the largest score. -#}
{% macro label_of(labels, scores) -%}
    list_transform(
        [{{ scores }}],
        lambda s: [{{ quoted(labels) }}][
            case when len(s) > {{ labels | length }} then cast(s[{{ labels | length + 1 }}] as bigint) + 1 else list_position(s, list_max(s)) end
        ]
    )[1]
{%- endmacro %}

{#- All labels of a row, of a model whose labels do not exclude each other. -#}
{% macro labels_of(labels, scores) -%}
    list_transform(
        [{{ scores }}],
        lambda s: case when s is not null then
            list_filter([{{ quoted(labels) }}], lambda label, i: s[i] > 0.5)
        end
    )[1]
{%- endmacro %}

{#- Both forms of a function of the encoded inputs of a registered model. -#}
{% macro encoded_overloads(task, names) -%}
    {%- do ref('stamped_functions') -%}
    ({{ names | join(', ') }}) as {{ caller('[inputs of ' ~ task ~ ']') }}
    {%- if names | length > 1 %},
    (t) as {{ caller('[inputs by row of ' ~ task ~ ']') }}
    {%- endif %}
{%- endmacro %}
