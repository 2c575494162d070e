-- depends_on: {{ ref('challengers') }}
{{ parameters(['model_id', 'features']) }} list_transform(
    {{ served('model_id', 'features') }},
    lambda o: case
        {{ bad_call('o', 'check_features', 'varchar[]') }}
        else list_filter(
            list_transform(
                o.model.inputs,
                lambda input, i: case
                    when
                        o.features[i] is null
                        -- A missing one-hot group is reported once.
                        then case
                            when i = 1 or {{ input_group('input.name') }} <> {{ input_group('o.model.inputs[i - 1].name') }}
                                then {{ input_group('input.name') }} || ' is missing'
                        end
                    when isinf(o.features[i]) and contains(input.name, '=')
                        -- An unknown text is reported once.
                        then case
                            when i = 1 or {{ input_group('input.name') }} <> {{ input_group('o.model.inputs[i - 1].name') }}
                                then {{ input_group('input.name') }} || ' is a text that the model does not know'
                        end
                    when isnan(o.x[i])
                        then input.name || case
                            when isfinite(o.features[i]) then ' is ' || o.features[i] || ', beyond 1e15'
                            else ' is not a finite number'
                        end
                    when suffix(input.name, ' is other') and o.x[i] > input.maximum
                        then {{ input_group('input.name') }} || ' is a text that was not seen in training'
                    when suffix(input.name, ' is missing') and o.x[i] > input.maximum
                        then input.name
                    when not case when input.type = 'float64' then o.x[i] else cast(o.x[i] as float) end between input.minimum and input.maximum
                        then input.name || ' is ' || o.features[i] || ', outside the range seen in training, '
                        || cast(input.minimum as float) || ' to ' || cast(input.maximum as float)
                end
            ),
            lambda problem: problem is not null
        )
    end
)[1]
