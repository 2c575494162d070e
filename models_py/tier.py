"""tier: which commercial tier a track reaches, from its sound, form and genres.

    dbt build --select +train_tier

One row is a track, one for each pair of track name and artists; the label follows from popularity
by the cuts of `tier_cuts` (dbt_project.yml).
"""

from models_py.hit import random_forest, xgboost
from models_py.task import Task
from models_py.tracks import AUDIO

TASK = Task(
    name="tier",
    kind="multiclass",
    entity="dim_tracks",
    key="track_id",
    inputs=(
        *AUDIO,
        "duration_ms",
        "explicit",
        "is_single",
        "genres",
    ),
    label="tier",
    outputs=("Flop", "Mid", "Hit", "Viral"),
    metric="accuracy",
    algorithms={"random_forest": random_forest, "xgboost": xgboost},
)
