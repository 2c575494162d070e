"""A sample of 20,000 tracks, read back, and the true values it was generated from."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hitparade.sample import (
    track_best_scores,
    track_generator,
    tracks,
    write_sample,
)

ROWS = 20_000
PAIR = ["track_name", "artists"]


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("sample")
    write_sample(path, tracks=ROWS)
    return path


@pytest.fixture(scope="session")
def chart_rows(folder) -> pd.DataFrame:
    return pd.read_csv(
        folder / "spotify-2023.csv", encoding="utf-8-sig", dtype=str, keep_default_na=False
    )


@pytest.fixture(scope="session")
def track_rows(folder) -> pd.DataFrame:
    return pd.read_csv(folder / "dataset.csv", keep_default_na=False)


@pytest.fixture(scope="session")
def kept(track_rows) -> pd.DataFrame:
    """One row for each pair, chosen by the documented rule instead of the generator's code."""
    usable = track_rows[
        (track_rows.track_name != "") & (track_rows.track_genre != "sleep") & (track_rows.tempo > 0)
    ]
    best = usable.sort_values(["popularity", "track_id"], ascending=[False, True])
    return best.drop_duplicates(PAIR)


@pytest.fixture(scope="session")
def track_truth():
    return tracks.make(np.random.default_rng([2023, 2]), ROWS)[1]


@pytest.fixture(scope="session")
def genre_sets(track_rows) -> pd.DataFrame:
    """Genres of all rows of a pair in any spelling, one column each, by pair."""
    named = track_rows[track_rows.track_name != ""]
    return (
        pd.crosstab(folded_pair(named), named.track_genre).reindex(columns=track_generator.GENRES)
        > 0
    )


@pytest.fixture(scope="session")
def chance(track_truth):
    """P(tier | audio, genres) of the training songs, shape (n, 4)."""
    return track_best_scores.tier_probability(track_truth)


@pytest.fixture(scope="session")
def tier(track_truth):
    return track_best_scores.tier_label(track_truth)


def folded_pair(rows: pd.DataFrame) -> pd.Series:
    name, artists = (rows[column].str.strip().str.lower() for column in PAIR)
    return name + "|" + artists


def read_best_scores(folder: Path) -> dict[str, dict[str, str]]:
    """Rows of ceilings.csv by task; a task with several metrics by task and metric."""
    with (folder / "ceilings.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    tasks = [row["task"] for row in rows]
    several = {task for task in tasks if tasks.count(task) > 1}
    return {r["task"] + f" {r['metric']}" * (r["task"] in several): r for r in rows}
