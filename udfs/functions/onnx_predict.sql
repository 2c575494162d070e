-- depends_on: {{ ref('challengers') }}
{{ parameters(['model_id', 'features']) }} list_transform(
    {{ served('model_id', 'features') }},
    lambda o: case
        {{ bad_call('o', 'onnx_predict', 'double[]') }}
        when o.x is null or len(list_filter(o.x, lambda v: v is not null)) < len(o.x) then null
        when o.model.kind = 'net' then {{ finite(transformed('o', net_scores('o'))) }}
        when o.model.kind = 'trees' then {{ finite(transformed('o', tree_scores('o'))) }}
        else {{ raise_error(
            "'onnx_predict: model ' || o.id || ' has no SQL form: call it in Python after "
            ~ "udfs.register(connection)'",
            'double[]'
        ) }}
    end
)[1]
