{#- The default options, as in models_py.song_optimization.protocol. -#}
{% macro optimization_defaults() -%}
    {% do return({'max_change': 0.25, 'max_features': 3, 'penalty': 0.1, 'steps': 30}) %}
{%- endmacro %}

{#- The recommendation for one encoded song, with the options in scope. -#}
{% macro optimized(song) -%}
    {%- set names = changeable() | map(attribute='name') | list -%}
    list_transform(
        [onnx_optimize_song(
            {{ champion('song_optimization') }},
            {{ newest('song_optimization', "'judge'") }},
            {{ song }},
            [{{ changeable() | map(attribute='low') | join(', ') }}],
            [{{ changeable() | map(attribute='high') | join(', ') }}],
            {{ max_changes(names) }},
            max_features,
            penalty,
            {{ optimization_defaults().steps }}
        )],
        lambda o: case when o is not null then struct_pack(
            popularity_before := o.popularity_before,
            popularity_after := o.popularity_after,
            popularity_delta := o.popularity_after - o.popularity_before,
            judged_delta := o.judged_after - o.judged_before,
            distance_before := o.distance_before,
            distance_after := o.distance_after,
            "before" := {{ by_name(names, 'o.original') }},
            "after" := {{ by_name(names, 'o.optimized') }},
            changes := {{ ranked_changes(names) }}
        ) end
    )[1]
{%- endmacro %}

{#- The largest change of each feature, in its own unit; 0 for a feature that may not change. -#}
{% macro max_changes(names) -%}
    case
        when max_change is null then null
        when len(list_filter({{ as_list('features') }}, lambda name: coalesce(not list_contains([{{ quoted(names) }}], name), true))) > 0
            then {{ raise_error(
                "'optimize_song: features are ' || cast(features as varchar) || ': give some of "
                ~ names | join(', ') ~ ", or NULL for all'", 'double[]'
            ) }}
        when not cast(max_change as double) between 0 and 1
            then {{ raise_error(
                "'optimize_song: max_change is ' || max_change || ': give a share of the range, 0 to 1'", 'double[]'
            ) }}
        else [
            {%- for feature in changeable() %}
            case when coalesce(list_contains({{ as_list('features') }}, '{{ feature.name }}'), features is null)
                then cast(max_change as double) * {{ feature.high - feature.low }} else 0 end
            {%- if not loop.last %},{% endif %}
            {%- endfor %}
        ]
    end
{%- endmacro %}

{#- A list as a struct with named fields. -#}
{% macro by_name(names, list) -%}
    struct_pack(
        {%- for name in names %}{{ name }} := {{ list }}[{{ loop.index }}]{% if not loop.last %}, {% endif %}{% endfor -%}
    )
{%- endmacro %}

{#- The changes, largest effect first. -#}
{% macro ranked_changes(names) -%}
    list_transform(
        list_sort(
            list_filter(
                list_transform(
                    [{{ quoted(names) }}],
                    lambda name, i: struct_pack(
                        effect := o.effects[i], feature := name, "before" := o.original[i], "after" := o.optimized[i]
                    )
                ),
                lambda change: change."before" <> change."after"
            ),
            'DESC',
            'NULLS LAST'
        ),
        lambda change, place: struct_pack(
            "rank" := cast(place as integer),
            feature := change.feature,
            "before" := change."before",
            "after" := change."after",
            delta := change."after" - change."before",
            effect := change.effect
        )
    )
{%- endmacro %}

{#- A change as readable text, such as: raise energy from 0.50 to 0.62. -#}
{% macro change_in_words(change) -%}
    list_transform(
        [struct_pack(
            way := case when {{ change }}.delta > 0 then 'raise ' else 'lower ' end || {{ change }}.feature,
            old := {{ value_in_words(change ~ '.feature', change ~ '."before"') }},
            new := {{ value_in_words(change ~ '.feature', change ~ '."after"') }}
        )],
        lambda o: o.way || case
            when o.old = o.new then ' slightly from ' || o.old
            else ' from ' || o.old || ' to ' || o.new
        end
    )[1]
{%- endmacro %}

{#- A feature's value as readable text. -#}
{% macro value_in_words(feature, value) -%}
    case {{ feature }}
        {%- for known in changeable() %}
        when '{{ known.name }}' then {{ rounded_text(value, known.digits) }} || '{{ known.unit }}'
        {%- endfor %}
    end
{%- endmacro %}

{#- A rounded number as text. Zero has no minus sign. -#}
{% macro rounded_text(value, digits, sign='') -%}
    format('{:{{ sign }}.{{ digits }}f}', round(cast({{ value }} as double), {{ digits }}) + 0.0)
{%- endmacro %}

{#- The return type of onnx_optimize_song. -#}
{% macro optimization() -%}
    struct(
        original double[], optimized double[], effects double[], popularity_before double, popularity_after double,
        judged_before double, judged_after double, distance_before double, distance_after double
    )
{%- endmacro %}
