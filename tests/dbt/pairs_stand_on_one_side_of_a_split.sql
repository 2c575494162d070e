-- A song in two folds would be trained on and tested on at once.
{% for features in [ref('feat_log_streams'), ref('feat_hit')] %}
select pair_key
from {{ features }}
group by pair_key
having count(distinct fold) > 1
{% if not loop.last %}union all{% endif %}
{% endfor %}
