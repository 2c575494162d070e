with metrics as (

    select
        model_id,
        task,
        algorithm,
        version,
        unnest(metrics) as score
    from {{ ref('registry') }}

),

flat as (

    select
        * exclude (score),
        score.*,
        case when score.higher_is_better then 1 else -1 end as sign,
        score.sd / sqrt(score.folds) as standard_error
    from metrics

)

select
    * exclude (sign),
    sign * (mean - baseline_mean) as gain_over_baseline,
    -- of one split alone the spread is a standard error already
    case
        when folds > 1 then gain_sd * sqrt(1 / folds + 1 / (folds - 1))
        else gain_sd
    end as gain_standard_error,
    coalesce(sign * (mean - ceiling) > 3 * standard_error, false) as is_above_ceiling
from flat
