"""log_streams: the logarithm of a chart song's streams, from eight audio features.

    dbt build --select +train_log_streams

One row is a song of the 2023 chart; the label is ln(1 + streams). Audio alone says little about
streams: look at the baseline beside each metric before believing a prediction.
"""

from collections.abc import Mapping

from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBRegressor

from models_py.task import Task


def linear_regression(params: Mapping) -> Pipeline:
    """Return ordinary least squares, standardised so that float32 can hold years beside shares."""
    return make_pipeline(StandardScaler(), LinearRegression()).set_params(**params)


def random_forest(params: Mapping) -> RandomForestRegressor:
    """Return a random forest (Breiman 2001) with a fixed seed."""
    return RandomForestRegressor(random_state=0, n_jobs=1, **params)


def xgboost(params: Mapping) -> XGBRegressor:
    """Return gradient-boosted trees (Chen and Guestrin 2016) with a fixed seed."""
    return XGBRegressor(random_state=0, n_jobs=1, **params)


TASK = Task(
    name="log_streams",
    kind="regression",
    entity="dim_songs",
    key="song_id",
    inputs=(
        "bpm",
        "danceability_pct",
        "valence_pct",
        "energy_pct",
        "acousticness_pct",
        "instrumentalness_pct",
        "liveness_pct",
        "speechiness_pct",
    ),
    label="log_streams",
    outputs=("log_streams",),
    metric="rmse",
    algorithms={
        "linear_regression": linear_regression,
        "random_forest": random_forest,
        "xgboost": xgboost,
    },
)
