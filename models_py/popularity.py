"""popularity: Spotify's popularity of a track, 0 to 100, from audio, form and genres.

    dbt build --select +train_popularity

One row is a track, one for each pair of track name and artists. The hybrid net learns from labels
and from XGBoost at once; being differentiable, it is what song optimisation can climb. An estimate
is not cut to 0 to 100: a model may go a little beyond.
"""

from collections.abc import Mapping

from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from models_py.log_streams import xgboost
from models_py.net import Net
from models_py.task import Task
from models_py.tracks import AUDIO


def ridge(params: Mapping) -> Pipeline:
    """Return a ridge regression over standardised inputs; `ridge__alpha` is its penalty."""
    return make_pipeline(StandardScaler(), Ridge()).set_params(**params)


def mlp(params: Mapping) -> Net:
    """Return a small ReLU net that learns from the labels alone."""
    return Net(**params)


def hybrid(params: Mapping) -> Net:
    """Return the same net, taught by labels and by XGBoost (`teacher`: its hyperparameters)."""
    return Net(**{"teacher": {}, **params})


TASK = Task(
    name="popularity",
    kind="regression",
    entity="dim_tracks",
    key="track_id",
    inputs=(
        *AUDIO,
        "duration_ms",
        "explicit",
        "key",
        "mode",
        "time_signature",
        "is_single",
        "genres",
    ),
    label="popularity",
    outputs=("popularity",),
    metric="rmse",
    algorithms={"ridge": ridge, "mlp": mlp, "xgboost": xgboost, "hybrid": hybrid},
)
