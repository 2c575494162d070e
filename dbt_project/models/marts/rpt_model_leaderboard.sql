-- depends_on: {{ ref('challengers') }}
with models as (

    select
        metrics.*,
        champions.model_id is not null as is_champion,
        case
            when metrics.metric in ('rmse', 'mae', 'r2') then 'the mean'
            when metrics.metric in ('roc_auc', 'balanced_accuracy') then 'chance'
            when metrics.metric = 'accuracy' then 'always answering the most frequent label'
            when metrics.metric = 'judged_gain' then 'chance'
            else 'the baseline'
        end as baseline_name,
        metrics.gain_over_baseline
        / nullif(abs(metrics.ceiling - metrics.baseline_mean), 0) as share_of_ceiling
    from {{ ref('model_metrics') }} as metrics
    left join {{ ref('champions') }} as champions
        on metrics.task = champions.task and metrics.model_id = champions.model_id
    where metrics.is_primary
    -- A champion stays on the leaderboard if no newer version of its algorithm has beaten it.
    qualify
        metrics.version = max(metrics.version) over (partition by metrics.task, metrics.algorithm)
        or (
            is_champion
            and metrics.version = max(metrics.version) over (partition by metrics.task, metrics.model_id)
        )

)

select
    models.task,
    models.algorithm,
    models.version,
    models.model_id,
    versions.origin,
    models.is_champion,
    models.metric,
    models.higher_is_better,
    models.mean,
    models.standard_error,
    models.folds,
    models.baseline_mean as baseline,
    models.gain_over_baseline as gain,
    models.gain_standard_error,
    models.ceiling,
    models.share_of_ceiling,
    models.holdout,
    versions.train_rows,
    versions.train_seconds,
    versions.onnx_bytes,
    case
        when models.has_few_groups
            then
                'too little data to tell: measured on ' || models.held_out_groups
                || ' held-out groups, and 30 are needed'
        when models.is_above_ceiling then 'above the best achievable score: a leak'
        when models.gain_over_baseline < -2 * models.gain_standard_error
            then 'worse than ' || models.baseline_name
        when models.gain_over_baseline <= 2 * models.gain_standard_error
            then 'no signal beyond ' || models.baseline_name
        when models.share_of_ceiling is not null
            then
                'reaches ' || cast(round(100 * least(models.share_of_ceiling, 1)) as integer)
                || '% of the best achievable gain'
        when models.metric = 'judged_gain'
            then
                'better than ' || models.baseline_name || ' by ' || round(models.gain_over_baseline, 1)
                || ' points, ' || cast(round(100 * shares.mean) as integer) || '% confirmed'
        when models.higher_is_better
            then
                'better than ' || models.baseline_name || ' by '
                || round(100 * models.gain_over_baseline, 1) || ' points of 100'
        else
            'better than ' || models.baseline_name || ' by '
            || round(100 * models.gain_over_baseline / models.baseline_mean, 1) || '%'
    end as verdict
from models
inner join {{ ref('model_versions') }} as versions
    on
        models.task = versions.task
        and models.algorithm = versions.algorithm
        and models.version = versions.version
left join {{ ref('model_metrics') }} as shares
    on
        models.task = shares.task
        and models.algorithm = shares.algorithm
        and models.version = shares.version
        and shares.metric = 'judged_share'
