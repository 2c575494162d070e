{#- Has the name and arguments of the test in dbt_utils, because a build has no network to fetch the package. A
    missing value passes. Without a bound the test could not fail, so that is an error. -#}
{% test accepted_range(model, column_name, min_value=none, max_value=none, inclusive=true) %}
{%- set equal = '=' if inclusive else '' -%}
{%- set bounds = [] -%}
{%- do bounds.append(column_name ~ ' >' ~ equal ~ ' ' ~ min_value) if min_value is not none -%}
{%- do bounds.append(column_name ~ ' <' ~ equal ~ ' ' ~ max_value) if max_value is not none -%}
{%- if not bounds -%}
    {%- do exceptions.raise_compiler_error('accepted_range has no bound: give min_value or max_value') -%}
{%- endif -%}
select *
from {{ model }}
where not ({{ bounds | join(' and ') }})
{% endtest %}
