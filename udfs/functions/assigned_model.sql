-- depends_on: {{ ref('traffic') }}
{{ parameters(['task_name', 'key']) }} case
    when {{ champion_of('task_name') }} is not null
        then coalesce(
            -- the key is not in a lambda, because lambda parameters would hide the caller's columns
            list_transform(
                [struct_pack(
                    bucket := {{ bucket("task_name || '|' || coalesce(cast(key as varchar), '')") }},
                    slices := (
                        select list(__slice)
                        from (select assignments as __slice from ml.assignments as assignments)
                        where __slice.task = task_name
                    )
                )],
                lambda o: list_filter(
                    o.slices, lambda s: o.bucket between s.first_bucket and s.last_bucket
                )[1].model_id
            )[1],
            {{ champion_of('task_name') }}
        )
end
