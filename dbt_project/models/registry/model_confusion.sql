select
    registry.model_id,
    registry.task,
    registry.algorithm,
    registry.version,
    {{ field('item.value', 'actual') }} as actual,
    {{ field('item.value', 'predicted') }} as predicted,
    {{ field('item.value', 'rows', 'bigint') }} as row_count
from {{ ref('registry') }} as registry
{{ each('registry.confusion', 'item') }}
