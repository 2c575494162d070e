{#- Fails for each row that has one of these values, and shows its `columns`. -#}
{% test none_of(model, column_name, values, columns) %}
select {{ columns | join(', ') }}
from {{ model }}
where {{ column_name }} in ('{{ values | join("', '") }}')
{% endtest %}
