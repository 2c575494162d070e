"""Best achievable scores: the scores of an ideal model on the generated rows."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score
from sklearn.model_selection import GroupKFold, KFold, cross_val_predict
from sklearn.preprocessing import QuantileTransformer

from hitparade.sample import (
    best_scores,
    chart_best_scores,
    charts,
    track_best_scores,
    track_generator,
    tracks,
    write_sample,
)
from hitparade.sample.marginals import CHART_AUDIO
from models_py.next_song import protocol
from tests.unit.sample.conftest import ROWS, folded_pair, read_best_scores

INPUTS = list(track_generator.INPUTS)
FOLDS = KFold(5, shuffle=True, random_state=0)


def test_hit_is_a_threshold_on_the_latent(track_truth):
    above = track_truth["z"] >= track_generator.popularity_cut(60)
    assert (above == (track_truth["popularity"] >= 60)).all()


@pytest.fixture(scope="module")
def pooled():
    """Inputs, ideal predictions and hits of five samples: enough to see a 1% error in a decile."""
    truths = [tracks.make(np.random.default_rng([s, 2]), ROWS)[1] for s in range(5)]
    trained = [track_best_scores.trained_songs(t) for t in truths]
    columns = np.concatenate([t["scores"][k, :4] for t, k in zip(truths, trained, strict=True)])
    table = pd.DataFrame(columns, columns=INPUTS)
    hits = [t["popularity"][k] >= 60 for t, k in zip(truths, trained, strict=True)]
    chance = [track_best_scores.hit_probability(t) for t in truths]
    return table.assign(chance=np.concatenate(chance), hit=np.concatenate(hits))


@pytest.mark.parametrize("column", ["chance", *INPUTS])
def test_hit_probability_is_calibrated(pooled, column):
    for rows in np.array_split(np.argsort(pooled[column].to_numpy()), 10):
        decile = pooled.iloc[rows]
        p = decile.chance
        error = np.sqrt((p * (1 - p)).sum()) / len(p)
        assert abs(decile.hit.mean() - p.mean()) < 3 * error


def test_expected_log_streams_is_calibrated():
    truth = charts.make(np.random.default_rng(7), 40_000)[1]
    readable = np.flatnonzero(~np.isnan(truth["log_streams"]))
    assert np.corrcoef(truth["audio"], truth["context"])[0, 1] == pytest.approx(0, abs=0.02)
    for context, explained in ((truth["context"].mean(), 0.25), (truth["context"], 0.48)):
        expected = chart_best_scores.expected_log_streams(truth, context)[readable]
        error = truth["log_streams"][readable] - expected
        for decile in np.array_split(np.argsort(expected), 10):
            assert abs(error[decile].mean()) < 3.5 * error[decile].std() / np.sqrt(len(decile))
        r2 = 1 - error.var() / truth["log_streams"][readable].var()
        assert r2 == pytest.approx(explained, abs=0.03)


def questions(folder) -> int:
    """The number of questions in the held-out playlists of the slices."""
    slices = [json.loads(path.read_text()) for path in folder.glob("mpd.slice.*.json")]
    playlists = [
        [track["track_uri"] for track in playlist["tracks"]]
        for found in slices
        for playlist in found["playlists"]
    ]
    return sum(
        len(protocol.cuts(tracks))
        for tracks in playlists
        if protocol.fold(tracks) == protocol.HOLDOUT
    )


def test_the_file_of_best_scores(folder, chart_rows, kept):
    lines = (folder / "ceilings.csv").read_text().splitlines()
    assert lines[0] == "source,task,metric,ceiling,rows,definition"
    best = read_best_scores(folder)
    assert {name: row["metric"] for name, row in best.items()} == {
        "log_streams": "rmse",
        "log_streams_context": "rmse",
        "hit": "roc_auc",
        "tier accuracy": "accuracy",
        "tier log_loss": "log_loss",
        "popularity": "rmse",
        "next_song hit_rate_10": "hit_rate_10",
        "next_song ndcg_10": "ndcg_10",
        "next_song mrr": "mrr",
    }
    signed = (kept.time_signature > 0).sum()
    assert signed < len(kept)
    rows = [len(chart_rows) - 1] * 2 + [len(kept)] * 3 + [signed] + [questions(folder)] * 3
    assert [int(row["rows"]) for row in best.values()] == rows
    assert 0.70 < float(best["hit"]["ceiling"]) < 0.77
    assert 0.85 < float(best["log_streams_context"]["ceiling"]) < 0.93
    assert 0.63 < float(best["tier accuracy"]["ceiling"]) < 0.69
    assert 0.70 < float(best["tier log_loss"]["ceiling"]) < 0.78
    assert 14.8 < float(best["popularity"]["ceiling"]) < 15.7


def test_best_scores_state_the_definition_they_hold_for(folder):
    found = {name: json.loads(row["definition"]) for name, row in read_best_scores(folder).items()}
    sound = [
        "danceability", "energy", "loudness", "speechiness", "acousticness", "instrumentalness",
        "liveness", "valence", "tempo", "duration_ms",
    ]  # fmt: skip
    songs = {"excluded_genres": "['sleep']", "pair_keep_rule": "popularity desc, track_id asc"}
    context = ["mode", "artist_count", "released_year", "released_month", "log_age_days"]
    assert found["log_streams_context"] == {
        "inputs": found["log_streams"]["inputs"] + context,
        "charts_as_of": "2023-07-15",
    }
    tier = {
        "inputs": [*sound, "explicit", "is_single", "genres"],
        "tier_cuts": "[40, 60, 80]",
    } | songs
    assert found["tier accuracy"] == found["tier log_loss"] == tier
    rest = ["explicit", "key", "mode", "time_signature", "is_single", "genres"]
    assert found["popularity"] == {"inputs": sound + rest} | songs
    assert found["hit"] == {"inputs": INPUTS, "hit_cut": "60"} | songs


def test_the_best_hit_score_equals_that_of_scikit_learn(folder, track_truth):
    hits = (track_truth["popularity"] >= 60)[track_best_scores.trained_songs(track_truth)]
    score = roc_auc_score(hits, track_best_scores.hit_probability(track_truth))
    assert float(read_best_scores(folder)["hit"]["ceiling"]) == pytest.approx(score, abs=1e-6)


def test_no_model_of_hits_beats_the_best_achievable_score(folder, kept):
    best = float(read_best_scores(folder)["hit"]["ceiling"])
    features, hits = kept[INPUTS].to_numpy(), (kept.popularity >= 60).to_numpy()
    boosting = HistGradientBoostingClassifier(max_iter=80, max_leaf_nodes=12, learning_rate=0.06)
    scores = {}
    for name, model in (("linear", LogisticRegression(max_iter=500)), ("boosting", boosting)):
        chance = cross_val_predict(model, features, hits, cv=FOLDS, method="predict_proba")[:, 1]
        scores[name] = roc_auc_score(hits, chance)
    assert scores["linear"] < scores["boosting"] < best + 0.005
    assert scores["boosting"] > best - 0.03


def test_no_model_of_streams_beats_the_best_achievable_score(tmp_path):
    songs = 8_000
    write_sample(tmp_path, songs=songs, only={"chart_songs"})
    found = read_best_scores(tmp_path)
    rows = pd.read_csv(tmp_path / "spotify-2023.csv", encoding="utf-8-sig")
    streams = pd.to_numeric(rows.streams, errors="coerce")
    year, month, day = (rows[f"released_{part}"] for part in ("year", "month", "day"))
    released = pd.to_datetime({"year": year, "month": month, "day": day})
    age = (pd.Timestamp("2023-07-15") - released).dt.days
    rows = rows.assign(age=age, major=rows["mode"] == "Major")
    audio = rows.loc[streams.notna(), list(CHART_AUDIO)].to_numpy(dtype=float)
    context = rows.loc[streams.notna(), ["age", "major", "artist_count"]].to_numpy(dtype=float)
    target = np.log1p(streams.dropna().to_numpy())
    boosting = HistGradientBoostingRegressor(max_iter=150, max_leaf_nodes=10, learning_rate=0.06)
    inputs = {"log_streams": audio, "log_streams_context": np.hstack([audio, context])}
    for task, features in inputs.items():
        best, errors = float(found[task]["ceiling"]), {}
        for name, model in (("linear", LinearRegression()), ("boosting", boosting)):
            predicted = cross_val_predict(model, features, target, cv=FOLDS)
            errors[name] = best_scores.rmse(target - predicted)
        assert errors["linear"] > errors["boosting"] > best - 0.003
        assert errors["boosting"] < best + 0.05


def test_genre_and_all_sound_predict_more_than_the_four_inputs(track_truth):
    trained = track_best_scores.trained_songs(track_truth)
    hits = (track_truth["popularity"] >= 60)[trained]
    mean = track_generator.latent_mean(
        track_truth["genre"][trained], track_truth["scores"][trained]
    )
    four = best_scores.roc_auc(hits, track_best_scores.hit_probability(track_truth))
    assert best_scores.roc_auc(hits, mean) > four + 0.1


def candidates(truth) -> pd.DataFrame:
    """Genres of songs with several genres: own (the primary one), probability and repeats."""
    trained = track_best_scores.trained_songs(truth)
    song, genre, chance = track_best_scores.primary_genres(truth, trained)
    assert np.bincount(song, chance) == pytest.approx(1)
    repeats = dict(zip(truth["genre"], truth["repeats"], strict=True))
    own = genre == truth["genre"][trained][song]
    found = pd.DataFrame({"own": own, "chance": chance, "repeats": [repeats[g] for g in genre]})
    return found[np.bincount(song)[song] > 1]


def assert_calibrated(happened, chance, errors=3.5):
    # At least one event: hardly any song of the lowest decile is Viral.
    error = max(1, np.sqrt((chance * (1 - chance)).sum()))
    assert abs(happened.sum() - chance.sum()) < errors * error


def test_the_probability_that_a_genre_is_primary_is_calibrated(track_truth):
    found = candidates(track_truth)
    for _, part in found.groupby(pd.cut(found.chance, [0, 0.05, 0.3, 0.7, 0.95, 1])):
        assert len(part) > 100
        assert_calibrated(part.own, part.chance)


def test_a_genre_with_more_repeats_is_more_likely_a_companion():
    # The effect is largest in small samples: here a genre has one or two repeats.
    truths = [tracks.make(np.random.default_rng([s, 2]), 800)[1] for s in range(40)]
    found = pd.concat([candidates(truth) for truth in truths])
    assert sorted(found.repeats.unique()) == [1, 2]
    for _, part in found.groupby("repeats"):
        assert_calibrated(part.own, part.chance)


def test_a_genre_without_repeats_is_never_a_companion():
    found = candidates(tracks.make(np.random.default_rng([1, 2]), 500)[1])
    only = found[found.repeats == 0]
    assert len(only) > 0
    assert only.own.all()
    assert only.chance.to_numpy() == pytest.approx(1, abs=1e-3)


def test_scores_missing_from_the_file_are_not_used(track_truth):
    scores = track_truth["scores"].copy()
    lost = scores[:, track_best_scores.VOICELESS] <= track_best_scores.ZERO_UP_TO
    scores[lost, track_best_scores.VOICELESS] -= 1
    same = track_best_scores.tier_probability(track_truth | {"scores": scores})
    assert same == pytest.approx(track_best_scores.tier_probability(track_truth))


@pytest.mark.parametrize("place", range(4))
def test_tier_probability_is_calibrated(chance, tier, place):
    assert chance.sum(axis=1) == pytest.approx(1)
    for rows in np.array_split(np.argsort(chance[:, place]), 8):
        assert_calibrated(tier[rows] == place, chance[rows, place])


def test_expected_popularity_is_calibrated(track_truth):
    trained = track_best_scores.trained_songs(track_truth)
    expected = track_best_scores.expected_popularity(track_truth, trained)
    error = track_truth["popularity"][trained] - expected
    for decile in np.array_split(np.argsort(expected), 10):
        assert abs(error[decile].mean()) < 3.5 * error[decile].std() / np.sqrt(len(decile))


def test_expected_popularity_is_the_mean_over_the_noise(track_truth):
    """The closed form against random draws of artist effect and noise, for songs of one genre."""
    single = track_best_scores.trained_songs(track_truth) & (track_truth["genres"].sum(axis=1) == 1)
    few = single & (np.cumsum(single) <= 50)
    mean = track_generator.latent_mean(track_truth["genre"][few], track_truth["scores"][few])
    spread = np.hypot(track_generator.ARTIST_SD, track_generator.NOISE_SD)
    z = mean[:, None] + spread * np.random.default_rng(1).normal(size=(50, 40_000))
    cuts = [track_generator.popularity_cut(points) for points in range(1, 101)]
    drawn = np.searchsorted(cuts, z, side="right").mean(axis=1)
    assert track_best_scores.expected_popularity(track_truth, few) == pytest.approx(drawn, abs=0.5)


def test_best_tier_scores_equal_those_of_scikit_learn(folder, chance, tier):
    best = read_best_scores(folder)
    for metric, score in (
        ("accuracy", accuracy_score(tier, chance.argmax(axis=1))),
        ("log_loss", log_loss(tier, chance)),
    ):
        assert float(best[f"tier {metric}"]["ceiling"]) == pytest.approx(score, abs=1e-6)


def test_genres_predict_tier_and_popularity_and_the_primary_one_more(track_truth):
    awake = np.arange(len(track_generator.GENRES)) != track_generator.SLEEP
    every = track_truth | {"genres": np.broadcast_to(awake, track_truth["genres"].shape)}
    known = track_truth | {"genres": np.eye(len(awake), dtype=bool)[track_truth["genre"]]}
    for task, more, less in (
        (track_best_scores.tier_log_loss, 0.02, 0.05),
        (track_best_scores.popularity, 0.4, 1),
    ):
        best = task(track_truth).ceiling
        assert best - more < task(known).ceiling < best < task(every).ceiling - less


def test_no_model_of_all_inputs_beats_the_best_scores(folder, kept, genre_sets):
    """Two models: one that must learn the shapes, and one that gets them as features."""
    best = {name: float(row["ceiling"]) for name, row in read_best_scores(folder).items()}
    rows = kept[kept.time_signature > 0]
    pair = folded_pair(rows)
    audio, genres = rows[list(track_best_scores.AUDIO)], genre_sets.loc[pair].to_numpy(dtype=float)
    to_normal = QuantileTransformer(output_distribution="normal", random_state=0)
    scores = to_normal.fit_transform(audio[list(track_generator.FEATURES)].to_numpy()).clip(
        -3.5, 3.5
    )
    curved = track_generator.sound(scores[:, :4])[:, None]
    share = genres / genres.sum(axis=1, keepdims=True)
    informed = np.hstack([scores, curved, share])
    seen = np.hstack([audio, genres])
    boosting = HistGradientBoostingRegressor(max_iter=150, max_leaf_nodes=12, learning_rate=0.1)
    errors = {}
    for name, model, x in (("informed", Ridge(), informed), ("boosting", boosting, seen)):
        predicted = cross_val_predict(model, x, rows.popularity, groups=pair, cv=GroupKFold(5))
        errors[name] = best_scores.rmse(rows.popularity - predicted)
    assert errors["boosting"] > errors["informed"] > best["popularity"] - 0.1
    assert errors["informed"] < best["popularity"] + 1
    label = np.searchsorted([40, 60, 80], rows.popularity, side="right")
    model = LogisticRegression(max_iter=300)
    tiers = cross_val_predict(
        model, informed, label, groups=pair, cv=GroupKFold(5), method="predict_proba"
    )
    assert best["tier log_loss"] - 0.01 < log_loss(label, tiers) < best["tier log_loss"] + 0.1
    accuracy = accuracy_score(label, tiers.argmax(axis=1))
    assert best["tier accuracy"] - 0.05 < accuracy < best["tier accuracy"] + 0.01
