-- Versions with the same bytes share one id and one artifact.
select
    model_id,
    any_value(sha256) as sha256,
    any_value(onnx) as onnx
from {{ ref('registry') }}
where pruned_at is null
group by model_id
