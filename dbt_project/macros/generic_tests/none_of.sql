{#- Fails for each row that has one of these values, and shows its `columns`. Alerts name the row with the
    highest value in the last of these columns, see `message_of`. -#}
{% test none_of(model, column_name, values, columns) %}
select {{ columns | join(', ') }}
from {{ model }}
where
    {%- for value in values %}
    {{ 'or ' if not loop.first }}{{ column_name }} = {{ text_literal(value) }}
    {%- endfor %}
{% endtest %}
