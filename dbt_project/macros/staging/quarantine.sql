{#- Rules of the staging layer. A rule is a name, the condition of a row that breaks it, and a SQL
    expression of the reason. The first rule that a row breaks sends it to quarantine. -#}

{% macro rule(name, condition, reason) -%}
    {% do return({'name': name, 'condition': condition, 'reason': reason}) %}
{%- endmacro %}

{#- A record without cells: its `flaw` says why. -#}
{% macro rules_unparsed() -%}
    {% set flaws = {
        'number_of_cells': 'the line does not have as many cells as the header',
        'quotes': 'a quote in the line is not closed, or is within text',
        'not_utf8': 'the line has bytes that are not UTF-8, unlike the rest of the file',
    } %}
    {% set rules = [] %}
    {% for flaw, reason in flaws.items() %}
        {% do rules.append(rule(flaw, "flaw = '" ~ flaw ~ "'", "'" ~ reason ~ "'")) %}
    {% endfor %}
    {% do return(rules) %}
{%- endmacro %}

{#- Rules that these columns are not blank. -#}
{% macro rules_missing(columns) -%}
    {% set rules = [] %}
    {% for column in columns %}
        {% do rules.append(rule(
            column ~ '_missing', column ~ " is null", "'" ~ column ~ " is blank'"
        )) %}
    {% endfor %}
    {% do return(rules) %}
{%- endmacro %}

{#- Rules that these columns are numbers. Their text is in raw_<column>. A blank breaks the rule if the
    number is needed. A column that the file may lack is NULL then, and breaks no rule. -#}
{% macro rules_number(columns, kind='number', needed=true, may_lack=false) -%}
    {% set also = ' and raw_{} is not null' if may_lack else '' if needed else " and trim(raw_{}) <> ''" %}
    {% set rules = [] %}
    {% for column in columns %}
        {% do rules.append(rule(
            column ~ '_not_a_number',
            column ~ " is null" ~ also | replace('{}', column),
            "'" ~ column ~ " is ''' || coalesce(raw_" ~ column ~ ", '') || ''', not a " ~ kind ~ "'"
        )) %}
    {% endfor %}
    {% do return(rules) %}
{%- endmacro %}

{#- Rules that these columns are within a range. -#}
{% macro rules_range(columns, low, high) -%}
    {% set rules = [] %}
    {% for column in columns %}
        {% do rules.append(rule(
            column ~ '_out_of_range',
            "not " ~ column ~ " between " ~ low ~ " and " ~ high,
            "'" ~ column ~ " is ' || " ~ column ~ " || ', outside " ~ low ~ " to " ~ high ~ "'"
        )) %}
    {% endfor %}
    {% do return(rules) %}
{%- endmacro %}

{#- The columns `rule` and `reason` for the first rule that a row breaks; NULL if it breaks none. -#}
{% macro broken_rule(rules) -%}
    case
    {%- for rule in rules %}
        when {{ rule.condition }} then '{{ rule.name }}'
    {%- endfor %}
    end as rule,
    case
    {%- for rule in rules %}
        when {{ rule.condition }} then {{ rule.reason }}
    {%- endfor %}
    end as reason
{%- endmacro %}
