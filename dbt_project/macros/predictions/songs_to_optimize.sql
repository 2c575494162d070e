{#- SQL condition of the tracks whose optimization is stored: the variable songs_to_optimize selects them. Each song
    occurs once, and no input is missing. -#}
{% macro songs_to_optimize() -%}
    {%- set below_the_cut = 'popularity between ' ~ (var('hit_cut') - 10) ~ ' and ' ~ (var('hit_cut') - 1) -%}
    is_pair_representative and {{ has_all_inputs('song_optimization') }}
    and ({{ var('songs_to_optimize') or below_the_cut }})
{%- endmacro %}
