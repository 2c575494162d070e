{#- Text as it stands in the file; blank is missing. -#}
{% macro parse_text(column) -%}
    case when trim({{ column }}) <> '' then {{ column }} end
{%- endmacro %}

{#- A whole number, with or without thousands separators; NULL where the text is none.
    '826.0' is how a copy that went through pandas writes 826. -#}
{% macro parse_integer(column) -%}
    case
        when {{ matches("trim(" ~ column ~ ")", "-?(\d+|\d{1,3}(,\d{3})+)(\.0)?") }}
            then try_cast(split_part(replace(trim({{ column }}), ',', ''), '.', 1) as bigint)
    end
{%- endmacro %}

{#- A finite decimal number; NULL where the text is none. -#}
{% macro parse_number(column) -%}
    case
        when
            -- a warehouse's own cast also takes 'nan', 'inf' and '1_000'
            {{ matches("trim(" ~ column ~ ")", "[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?") }}
            and {{ is_finite("try_cast(trim(" ~ column ~ ") as double)") }}
            then try_cast(trim({{ column }}) as double)
    end
{%- endmacro %}
