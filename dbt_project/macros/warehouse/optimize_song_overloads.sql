{#- All forms of optimize_song. -#}
{% macro optimize_song_overloads() -%}
    {{ return(adapter.dispatch('optimize_song_overloads')()) }}
{%- endmacro %}

{#- Its options stand behind the arguments, and have defaults. -#}
{% macro duckdb__optimize_song_overloads() -%}
    {%- set options = ['features := cast(null as varchar[])'] -%}
    {%- for name, value in optimization_defaults().items() if name != 'steps' -%}
        {%- do options.append(name ~ ' := ' ~ value) -%}
    {%- endfor -%}
    ({{ (argument_names('song_optimization') + options) | join(', ') }}) as
    {{ optimized(encoded_list('song_optimization')) }},
    ({{ (['t'] + options) | join(', ') }}) as
    {{ optimized(encoded_list('song_optimization', 't.')) }}
{%- endmacro %}

{#- The options and their defaults are those of the YAML. -#}
{% macro snowflake__optimize_song_overloads() -%}
    {{ helper_name('optimized_song') }}(
        {{ champion('song_optimization') }},
        {{ newest('song_optimization', "'judge'") }},
        {{ encoded_list('song_optimization') }},
        features,
        max_change,
        max_features,
        penalty
    )
{%- endmacro %}
