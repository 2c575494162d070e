-- depends_on: {{ ref('challengers') }}
{{ parameters(['model_id', 'features']) }} list_transform(
    {{ served('model_id', 'features') }}, lambda o: {{ scored('o', 'onnx_predict') }}
)[1],
{{ form_by_members('onnx_predict') }}
