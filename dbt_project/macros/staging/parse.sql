{#- Text as in the file; NULL if it is blank. -#}
{% macro parse_text(column) -%}
    case when trim({{ column }}) <> '' then {{ column }} end
{%- endmacro %}

{#- A whole number, with or without thousands separators; NULL if the text is not one.
    pandas writes 826 as '826.0' in a copy of the file, and Excel 167693 as '1.67693E+05'. -#}
{% macro parse_integer(column) -%}
    case
        when {{ matches("trim(" ~ column ~ ")", "[+-]?([0-9]+|[0-9]{1,3}(,[0-9]{3})+)([.]0*)?") }}
            then try_cast(split_part(replace(trim({{ column }}), ',', ''), '.', 1) as bigint)
        -- a double holds each whole number below 2^53
        when
            {{ matches("trim(" ~ column ~ ")", "[+-]?[0-9]+([.][0-9]*)?[eE][+-]?[0-9]{1,2}") }}
            and abs(try_cast(trim({{ column }}) as double)) < 9007199254740992
            and try_cast(trim({{ column }}) as double) = floor(try_cast(trim({{ column }}) as double))
            then cast(try_cast(trim({{ column }}) as double) as bigint)
    end
{%- endmacro %}

{#- True or false, as Python and SQL write them, and Excel in languages with a decimal comma. -#}
{% macro parse_boolean(column) -%}
    case
        when lower(trim({{ column }})) in ({{ quoted([
            'true', 't', 'yes', 'y', '1', '1.0', 'wahr', 'vrai', 'vero', 'verdadero', 'verdadeiro', 'waar', 'prawda',
        ]) }}) then true
        when lower(trim({{ column }})) in ({{ quoted([
            'false', 'f', 'no', 'n', '0', '0.0', 'falsch', 'faux', 'falso', 'onwaar', 'fałsz',
        ]) }}) then false
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
