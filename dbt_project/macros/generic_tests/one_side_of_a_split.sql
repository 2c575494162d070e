{#- Fails for each song that occurs in more than one fold, because training and test would share it. -#}
{% test one_side_of_a_split(model) %}
select pair_key
from {{ model }}
group by pair_key
having count(distinct fold) > 1
{% endtest %}
