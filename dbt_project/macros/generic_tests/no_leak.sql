{#- Fails for each input of a feature table that has the rank order of the raw file, or of a column known only
    after release. Renaming or rescaling does not hide such a leak. For an input of two values, the
    rank-biserial correlation is compared. No valid input comes near `limit`. A list has no rank and is not
    compared. -#}
{% test no_leak(model, rows, key, after_release, limit=0.9) %}
{%- set suspects = ['line_number'] + after_release -%}
{#- The columns of a feature table are key, pair_key, fold, inputs, label. -#}
{%- set inputs = [] -%}
{%- for column in (adapter.get_columns_in_relation(model) if execute else [])[3:-1] -%}
    {%- do inputs.append(column.name) if not is_list(column) -%}
{%- endfor -%}
with ranks as (

    select
        {%- for input in inputs %}
        rank() over (order by features.{{ input }} asc nulls last) as input_{{ loop.index }},
        {%- endfor %}
        {%- for suspect in suspects %}
        rank() over (order by entities.{{ suspect }} asc nulls last) as suspect_{{ loop.index }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from {{ model }} as features
    inner join {{ rows }} as entities
        on features.{{ key }} = entities.{{ key }}

),

compared as (

    {%- for suspect in suspects %}
    {%- set place = loop.index %}
    {%- for input in inputs %}
    select
        '{{ input }}' as input,
        '{{ suspect }}' as leak,
        case
            when count(distinct input_{{ loop.index }}) = 2
                then 2 * (
                    avg(case when input_{{ loop.index }} > 1 then cast(suspect_{{ place }} as double) end)
                    - avg(case when input_{{ loop.index }} = 1 then cast(suspect_{{ place }} as double) end)
                ) / count(*)
            else corr(input_{{ loop.index }}, suspect_{{ place }})
        end as rank_correlation
    from ranks
    union all
    {%- endfor %}
    {%- endfor %}
    select
        null as input,
        null as leak,
        null as rank_correlation

)

select *
from compared
where
    {{ is_finite('rank_correlation') }}
    and abs(rank_correlation) > {{ limit }}
{% endtest %}
