"""hit: the probability that a track's popularity reaches the hit cut, from four audio features.

    dbt build --select +train_hit

One row is a track, one for each pair of track name and artists; the label is
popularity >= hit_cut (dbt_project.yml).
"""

from collections.abc import Mapping

from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from xgboost import XGBClassifier

from models_py.task import Task


def logistic_regression(params: Mapping) -> LogisticRegression:
    """Return a logistic regression whose solver does not mind inputs of different scales."""
    return LogisticRegression(solver="newton-cholesky", **params)


def random_forest(params: Mapping) -> RandomForestClassifier:
    """Return a random forest (Breiman 2001) with a fixed seed."""
    return RandomForestClassifier(random_state=0, n_jobs=1, **params)


def xgboost(params: Mapping) -> XGBClassifier:
    """Return gradient-boosted trees (Chen and Guestrin 2016) with a fixed seed."""
    return XGBClassifier(random_state=0, n_jobs=1, **params)


TASK = Task(
    name="hit",
    kind="binary",
    entity="dim_tracks",
    key="track_id",
    inputs=("danceability", "energy", "valence", "tempo"),
    label="is_hit",
    outputs=("false", "true"),
    metric="roc_auc",
    algorithms={
        "logistic_regression": logistic_regression,
        "random_forest": random_forest,
        "xgboost": xgboost,
    },
)
