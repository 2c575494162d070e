{#- Fails for each song that stands in more than one fold: it would be trained on and tested on at
    once. -#}
{% test one_side_of_a_split(model) %}
select pair_key
from {{ model }}
group by pair_key
having count(distinct fold) > 1
{% endtest %}
