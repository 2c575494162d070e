select
    registry.model_id,
    registry.task,
    registry.algorithm,
    registry.version,
    {{ field('item.value', 'feature') }} as feature,
    {{ field('item.value', 'importance', 'double') }} as importance
from {{ ref('registry') }} as registry
{{ each('registry.importance', 'item') }}
