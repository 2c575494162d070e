{#- Fails for each row that has one of these values. Its `columns` are shown, and told to people
    of the row that is highest in the last of them: see `message_of`. -#}
{% test none_of(model, column_name, values, columns) %}
select {{ columns | join(', ') }}
from {{ model }}
where
    {%- for value in values %}
    {{ 'or ' if not loop.first }}{{ column_name }} = {{ text_literal(value) }}
    {%- endfor %}
{% endtest %}
