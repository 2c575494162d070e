-- Training gives up on rows that it cannot learn from, with a warning that says why. This fails
-- the build where the task has no model at all; it stands at the end, by the leaderboard, so that the
-- other tasks are built whole. The feature tables stand here by name, not by ref: a build of features
-- alone would run this test otherwise, before anything could be trained.
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
left join {{ ref('model_versions') }} as versions
    on with_rows.task = versions.task
where versions.task is null
