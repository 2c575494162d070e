{#- Fails for each input of a feature table that is a row number of the raw file, or has the rank order of a column
    known only after release. Renaming or rescaling does not hide such a leak. A list has no rank and is not
    compared. A feature table that does not exist yet has no inputs, and passes. -#}
{% test no_leak(model, rows, key, after_release, limit=0.9) %}
{#- The columns of a feature table are key, pair_key, fold, inputs, label. -#}
{%- set inputs = [] -%}
{%- for column in (adapter.get_columns_in_relation(model) if execute else [])[3:-1] -%}
    {%- do inputs.append(column.name) if not is_list(column) -%}
{%- endfor -%}
with joined as (

    select
        {%- for input in inputs %}
        cast(features.{{ input }} as double) as input_{{ loop.index }},
        {%- endfor %}
        {%- for suspect in after_release %}
        entities.{{ suspect }} as suspect_{{ loop.index }},
        {%- endfor %}
        entities.line_number
    from {{ model }} as features
    inner join {{ rows }} as entities
        on features.{{ key }} = entities.{{ key }}

),

{{ steps_along_lines(inputs | length) }},

row_numbers as (

    {%- for input in inputs %}
    select
        '{{ input }}' as input,
        'line_number' as leak,
        {{ is_row_number(loop.index) }} as is_leak
    from growth
    union all
    {%- endfor %}
    select
        null as input,
        null as leak,
        false as is_leak

),

{{ correlated_ranks(inputs, after_release, limit) }}

select *
from row_numbers
where is_leak
union all
select *
from ranks_alike
where is_leak
{% endtest %}

{#- How much each input grows for each line of the raw file, and how much it grew before. -#}
{% macro steps_along_lines(count) -%}
slopes as (

    select
        line_number,
        {%- for place in range(1, count + 1) %}
        (input_{{ place }} - lag(input_{{ place }}) over (order by line_number asc nulls last))
        / nullif(line_number - lag(line_number) over (order by line_number asc nulls last), 0)
            as slope_{{ place }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from joined

),

growth as (

    select
        line_number,
        {%- for place in range(1, count + 1) %}
        case
            when slope_{{ place }} * lag(slope_{{ place }}) over (order by line_number asc nulls last) > 0
                then abs(ln(slope_{{ place }} / lag(slope_{{ place }}) over (order by line_number asc nulls last)))
        end as growth_{{ place }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from slopes

)
{%- endmacro %}

{#- A row number, even rescaled, grows with each line nearly as much as with the line before. A feature by which the
    file is sorted does not: it grows by chance, and not at all where it repeats. Then the median of |ln(growth)| is
    ln(3) for any distribution. Few lines prove nothing. -#}
{% macro is_row_number(place) -%}
    coalesce(
        count(*) >= 20 and count(growth_{{ place }}) > 0.9 * (count(*) - 2) and median(growth_{{ place }}) < 0.2,
        false
    )
{%- endmacro %}

{#- Whether the ranks of an input and of a column known only after release are alike. For an input of two values, the
    rank-biserial correlation is compared. No valid input comes near the limit. -#}
{% macro correlated_ranks(inputs, suspects, limit) -%}
ranks as (

    select
        {%- for input in inputs %}
        rank() over (order by input_{{ loop.index }} asc nulls last) as input_{{ loop.index }},
        {%- endfor %}
        {%- for suspect in suspects %}
        rank() over (order by suspect_{{ loop.index }} asc nulls last) as suspect_{{ loop.index }},
        {%- endfor %}
        line_number
    from joined

),

ranks_alike as (

    {%- for suspect in suspects %}
    {%- set place = loop.index %}
    {%- for input in inputs %}
    select
        '{{ input }}' as input,
        '{{ suspect }}' as leak,
        {{ is_correlated('input_' ~ loop.index, 'suspect_' ~ place, limit) }} as is_leak
    from ranks
    union all
    {%- endfor %}
    {%- endfor %}
    select
        null as input,
        null as leak,
        false as is_leak

)
{%- endmacro %}

{% macro is_correlated(input, suspect, limit) -%}
    {%- set correlation -%}
        case
            when count(distinct {{ input }}) = 2
                then 2 * (
                    avg(case when {{ input }} > 1 then cast({{ suspect }} as double) end)
                    - avg(case when {{ input }} = 1 then cast({{ suspect }} as double) end)
                ) / count(*)
            else corr({{ input }}, {{ suspect }})
        end
    {%- endset -%}
    coalesce({{ is_finite(correlation) }} and abs({{ correlation }}) > {{ limit }}, false)
{%- endmacro %}
