-- Training gives up on rows that it cannot learn from, with a warning that says why. This fails the
-- build where the task has no model at all. It stands by the leaderboard alone, and all else is read by
-- name: what comes after the tests of a model waits for them, and the other tasks are to be built whole.
-- depends_on: {{ ref('rpt_model_leaderboard') }}
with with_rows as (

    {% for task in tasks() %}
    select distinct '{{ task }}' as task
    from features.feat_{{ task }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

)

select with_rows.task
from with_rows
left join ml.model_versions as versions
    on with_rows.task = versions.task
where versions.task is null
