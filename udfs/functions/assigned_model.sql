-- depends_on: {{ ref('traffic') }}
(task_name, key) as case
    when {{ champion_of('task_name') }} is not null
        then coalesce(
            list_filter(
                (
                    select list(__slice)
                    from (select assignments as __slice from ml.assignments as assignments)
                    where __slice.task = task_name
                ),
                lambda s: {{ bucket("task_name || '|' || coalesce(cast(key as varchar), '')") }}
                between s.first_bucket and s.last_bucket
            )[1].model_id,
            {{ champion_of('task_name') }}
        )
end
