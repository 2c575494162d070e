-- Does a challenger do better than the champion, each on its own traffic?
-- It uses the tracks of fold 0, because a build trains no model on them. Leave them out of your own training
-- data too (features.feat_hit has the folds), or your model looks better than it is. Assign traffic with
-- `hitparade assign hit MODEL_ID 0.2` first. Otherwise the champion has all traffic and is the only row.
-- Shape: one row for each model with traffic: algorithm VARCHAR, is_champion BOOLEAN, share DOUBLE,
-- tracks BIGINT, mean_probability DOUBLE, hit_share DOUBLE, brier DOUBLE, roc_auc DOUBLE.
with assigned as (

    select
        *,
        assigned_model('hit', track_id) as model_id
    from features.feat_hit
    where fold = 0

),

scored as (

    select
        is_hit,
        model_id,
        onnx_predict(model_id, encode_hit(assigned))[2] as probability
    from assigned

),

-- The area under the ROC curve from ranks: ties share the mean of their ranks.
ranked as (

    select
        *,
        rank() over (partition by model_id order by probability)
        + (count(*) over (partition by model_id, probability) - 1) / 2 as mean_rank
    from scored

),

evaluated as (

    select
        model_id,
        count(*) as tracks,
        avg(probability) as mean_probability,
        avg(cast(is_hit as integer)) as hit_share,
        avg(pow(probability - cast(is_hit as integer), 2)) as brier,
        (
            sum(mean_rank) filter (where is_hit)
            - count(*) filter (where is_hit) * (count(*) filter (where is_hit) + 1) / 2
        ) / nullif(count(*) filter (where is_hit) * count(*) filter (where not is_hit), 0) as roc_auc
    from ranked
    group by model_id

)

select
    models.algorithm,
    traffic.is_champion,
    traffic.share,
    evaluated.tracks,
    round(evaluated.mean_probability, 3) as mean_probability,
    round(evaluated.hit_share, 3) as hit_share,
    round(evaluated.brier, 4) as brier,
    round(evaluated.roc_auc, 3) as roc_auc
from evaluated
inner join ml.traffic as traffic
    on traffic.task = 'hit' and evaluated.model_id = traffic.model_id
inner join ml.promotable_models as models
    on traffic.task = models.task and evaluated.model_id = models.model_id
order by traffic.share desc, models.algorithm asc
