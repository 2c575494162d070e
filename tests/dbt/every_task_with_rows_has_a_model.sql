-- Training skips a task whose rows it cannot learn from, with a warning that says why. This test fails the
-- build if a task has no model. It refers only to the leaderboard and reads other tables by name: dbt delays
-- the children of a tested model until its tests pass, and the other tasks must still be built.
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
