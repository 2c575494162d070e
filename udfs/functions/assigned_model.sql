-- depends_on: {{ ref('traffic') }}
(task_name, key) as list_max(list_transform(
    coalesce(
        (
            select list(__variant)
            from (select traffic as __variant from ml.traffic as traffic)
            where __variant.task = task_name and __variant.share > 0
        ),
        []
    ),
    lambda v: struct_pack(
        score := ln({{ share_of_hash("case when v.is_champion then 'champion' else v.model_id end || '|' || coalesce(cast(key as varchar), '')") }})
        / v.share,
        model_id := v.model_id
    )
)).model_id
