select
    registry.model_id,
    registry.task,
    registry.algorithm,
    registry.version,
    {{ field('item.value', 'label') }} as label,
    {{ field('item.value', 'bin', 'integer') }} as bin,
    {{ field('item.value', 'rows', 'bigint') }} as row_count,
    {{ field('item.value', 'predicted', 'double') }} as predicted,
    {{ field('item.value', 'observed', 'double') }} as observed
from {{ ref('registry') }} as registry
{{ each('registry.calibration', 'item') }}
