{#- Text as in the file; NULL if it is blank. -#}
{% macro parse_text(column) -%}
    case when trim({{ column }}) <> '' then {{ column }} end
{%- endmacro %}

{#- A whole number, with or without thousands separators; NULL if the text is not one.
    pandas writes 826 as '826.0' in a copy of the file. -#}
{% macro parse_integer(column) -%}
    case
        when {{ matches("trim(" ~ column ~ ")", "-?([0-9]+|[0-9]{1,3}(,[0-9]{3})+)([.]0)?") }}
            then try_cast(split_part(replace(trim({{ column }}), ',', ''), '.', 1) as bigint)
    end
{%- endmacro %}

{#- A finite decimal number; NULL if the text is not one. -#}
{% macro parse_number(column) -%}
    case
        when
            -- a warehouse's own cast also takes 'nan', 'inf' and '1_000'
            {{ matches("trim(" ~ column ~ ")", "[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?") }}
            and {{ is_finite("try_cast(trim(" ~ column ~ ") as double)") }}
            then try_cast(trim({{ column }}) as double)
    end
{%- endmacro %}

{#- The date of a year, a month and a day; NULL if there is no such date. -#}
{% macro date_of(year, month, day) -%}
    case
        when {{ year }} between 1 and 9999 and {{ month }} between 1 and 12 and {{ day }} between 1 and 31
            then try_cast(
                lpad(cast({{ year }} as varchar), 4, '0')
                || '-' || lpad(cast({{ month }} as varchar), 2, '0')
                || '-' || lpad(cast({{ day }} as varchar), 2, '0')
                as date
            )
    end
{%- endmacro %}
