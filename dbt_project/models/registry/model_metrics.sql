with metrics as (

    select
        registry.model_id,
        registry.task,
        registry.algorithm,
        registry.version,
        {{ field('item.value', 'metric') }} as metric,
        {{ field('item.value', 'is_primary', 'boolean') }} as is_primary,
        {{ field('item.value', 'higher_is_better', 'boolean') }} as higher_is_better,
        {{ field('item.value', 'holdout', 'double') }} as holdout,
        {{ field('item.value', 'mean', 'double') }} as mean,
        {{ field('item.value', 'sd', 'double') }} as sd,
        {{ field('item.value', 'folds', 'integer') }} as folds,
        {{ field('item.value', 'held_out_groups', 'bigint') }} as held_out_groups,
        {{ field('item.value', 'baseline_holdout', 'double') }} as baseline_holdout,
        {{ field('item.value', 'baseline_mean', 'double') }} as baseline_mean,
        {{ field('item.value', 'gain_sd', 'double') }} as gain_sd,
        {{ field('item.value', 'ceiling', 'double') }} as ceiling
    from {{ ref('registry') }} as registry
    {{ each('registry.metrics', 'item') }}

),

signed as (

    select
        *,
        case when higher_is_better then 1 else -1 end as sign,
        sd / sqrt(folds) as standard_error
    from metrics

)

select
    * exclude (sign),
    sign * (mean - baseline_mean) as gain_over_baseline,
    -- with a single split, gain_sd is already a standard error
    case
        when folds > 1 then gain_sd * sqrt(1 / cast(folds as double) + 1 / cast(folds - 1 as double))
        else gain_sd
    end as gain_standard_error,
    coalesce(sign * (mean - ceiling) > 3 * standard_error, false) as is_above_ceiling,
    -- With fewer groups, the bootstrap errors are too small.
    coalesce(held_out_groups < 30, false) as has_few_groups
from signed
