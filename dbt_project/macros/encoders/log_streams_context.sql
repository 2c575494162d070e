{#- Inputs of the task log_streams_context, in the model's order: audio, and what the release date
    says at `charts_as_of`. Streams grow with the logarithm of age; a song that is not out yet has age 0. -#}
{% macro encode_log_streams_context(row='') -%}
    {% set released_on = 'cast(' ~ row ~ 'released_on as date)' %}
    {% do return(encode_log_streams(row) + [
        {
            'name': 'mode',
            'expression': "cast(case lower(" ~ row ~ "mode) when 'major' then 1 when 'minor' then 0 end as double)",
        },
        {'name': 'artist_count', 'expression': 'cast(' ~ row ~ 'artist_count as double)'},
        {
            'name': 'released_year',
            'argument': 'released_on',
            'expression': 'cast(extract(year from ' ~ released_on ~ ') as double)',
        },
        {
            'name': 'released_month',
            'argument': 'released_on',
            'expression': 'cast(extract(month from ' ~ released_on ~ ') as double)',
        },
        {
            'name': 'log_age_days',
            'argument': 'released_on',
            'expression': "ln(1 + greatest(0, datediff('day', " ~ released_on ~ ", date '" ~ var('charts_as_of') ~ "')))",
        },
    ]) %}
{%- endmacro %}
