{#- Names of the tiers, from the lowest to the highest. -#}
{% macro tier_names() -%}
    {% do return(tasks()['tier'].labels) %}
{%- endmacro %}

{#- The tier of a popularity, by the variable tier_cuts: the lower limits of Mid, Hit and Viral. -#}
{% macro tier(popularity) -%}
    {%- set cuts = var('tier_cuts') -%}
    {%- if cuts | length != 3 or cuts != cuts | sort -%}
        {% do exceptions.raise_compiler_error(
            "the variable tier_cuts is " ~ cuts ~ ": give the lower limits of Mid, Hit and Viral, in rising order"
        ) %}
    {%- endif -%}
    case
        {%- for name in tier_names()[1:] | reverse %}
        when {{ popularity }} >= {{ cuts[3 - loop.index] }} then '{{ name }}'
        {%- endfor %}
        else '{{ tier_names()[0] }}'
    end
{%- endmacro %}
