{#- Fails for each row whose value is outside low to high; a missing value passes. -#}
{% test between(model, column_name, low, high) %}
select {{ column_name }}
from {{ model }}
where not {{ column_name }} between {{ low }} and {{ high }}
{% endtest %}
