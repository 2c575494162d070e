import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score
from sklearn.model_selection import GroupKFold, KFold, cross_val_predict
from sklearn.preprocessing import QuantileTransformer

from hitparade.sample import (
    ceilings,
    chart_ceilings,
    charts,
    track_ceilings,
    tracks,
    world,
    write_sample,
)
from hitparade.sample.marginals import CHART_AUDIO

ROWS = 20_000
INPUTS = list(world.INPUTS)
PAIR = ["track_name", "artists"]
FOLDS = KFold(5, shuffle=True, random_state=0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("sample")
    write_sample(path, tracks=ROWS)
    return path


@pytest.fixture(scope="module")
def chart_rows(folder) -> pd.DataFrame:
    return pd.read_csv(
        folder / "spotify-2023.csv", encoding="utf-8-sig", dtype=str, keep_default_na=False
    )


@pytest.fixture(scope="module")
def track_rows(folder) -> pd.DataFrame:
    return pd.read_csv(folder / "dataset.csv", keep_default_na=False)


@pytest.fixture(scope="module")
def kept(track_rows) -> pd.DataFrame:
    """One row for each pair, by the rule stated to modellers rather than by the generator's."""
    usable = track_rows[
        (track_rows.track_name != "") & (track_rows.track_genre != "sleep") & (track_rows.tempo > 0)
    ]
    best = usable.sort_values(["popularity", "track_id"], ascending=[False, True])
    return best.drop_duplicates(PAIR)


@pytest.fixture(scope="module")
def track_truth():
    return tracks.make(np.random.default_rng([2023, 2]), ROWS)[1]


@pytest.fixture(scope="module")
def genre_sets(track_rows) -> pd.DataFrame:
    """Genres of all rows of a pair in any spelling, one column each, by pair."""
    named = track_rows[track_rows.track_name != ""]
    return pd.crosstab(folded_pair(named), named.track_genre).reindex(columns=world.GENRES) > 0


@pytest.fixture(scope="module")
def chance(track_truth):
    """P(tier | audio, genres) of the trained songs, shape (n, 4)."""
    return track_ceilings.tier_probability(track_truth)


@pytest.fixture(scope="module")
def tier(track_truth):
    return track_ceilings.tier_label(track_truth)


def folded_pair(rows: pd.DataFrame) -> pd.Series:
    name, artists = (rows[column].str.strip().str.lower() for column in PAIR)
    return name + "|" + artists


def read_ceilings(folder: Path) -> dict[str, dict[str, str]]:
    """Rows of ceilings.csv by task; a task with several metrics by task and metric."""
    with (folder / "ceilings.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    tasks = [row["task"] for row in rows]
    several = {task for task in tasks if tasks.count(task) > 1}
    return {r["task"] + f" {r['metric']}" * (r["task"] in several): r for r in rows}


# Bytes


def test_same_arguments_same_bytes(tmp_path):
    one = write_sample(tmp_path / "one", songs=60, tracks=700, seed=5)
    two = write_sample(tmp_path / "two", songs=60, tracks=700, seed=5)
    assert [p.name for p in one] == ["spotify-2023.csv", "dataset.csv", "ceilings.csv"]
    assert [p.read_bytes() for p in one] == [p.read_bytes() for p in two]


def test_another_seed_other_bytes(tmp_path):
    one = write_sample(tmp_path / "one", songs=60, tracks=700, seed=5)
    two = write_sample(tmp_path / "two", songs=60, tracks=700, seed=6)
    assert all(a.read_bytes() != b.read_bytes() for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize(
    ("part", "file"), [("chart_songs", "spotify-2023.csv"), ("tracks", "dataset.csv")]
)
def test_a_part_alone_is_the_same(tmp_path, folder, part, file):
    paths = write_sample(tmp_path, tracks=ROWS, only={part})
    assert [p.name for p in paths] == [file, "ceilings.csv"]
    assert paths[0].read_bytes() == (folder / file).read_bytes()
    both = read_ceilings(folder).items()
    assert read_ceilings(tmp_path) == {task: row for task, row in both if row["source"] == part}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"songs": 19}, "songs=19 is out of range: ask for 20 to"),
        ({"tracks": 499}, "tracks=499 is out of range: ask for 500 to"),
        ({"tracks": 200_001}, "tracks=200001 is out of range"),
        ({"seed": -1}, "seed=-1 is negative"),
        ({"only": {"albums"}}, "choose from chart_songs, tracks"),
        ({"only": set()}, "choose from chart_songs, tracks"),
    ],
)
def test_bad_options_write_nothing(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        write_sample(tmp_path / "none", **options)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(("songs", "rows"), [(20, 500), (41, 613), (300, 1_200)])
def test_small_samples_keep_one_of_each_dirt(tmp_path, songs, rows):
    write_sample(tmp_path, songs=songs, tracks=rows)
    chart = pd.read_csv(tmp_path / "spotify-2023.csv", dtype=str, keep_default_na=False)
    track = pd.read_csv(tmp_path / "dataset.csv", keep_default_na=False)
    assert (len(chart), len(track)) == (songs, rows)
    assert (~chart.streams.str.isdigit()).sum() == 1
    assert (chart.in_shazam_charts == "").sum() >= 1
    assert (track.track_name == "").sum() == 1
    assert (track.tempo == 0).sum() >= 1
    assert track.track_genre.value_counts().agg(np.ptp) <= 1


# Charts


def test_charts_format(folder, chart_rows):
    data = (folder / "spotify-2023.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbftrack_name,artist(s)_name,artist_count,released_year,")
    assert data.count(b"\r\n") == data.count(b"\n") == 954
    assert data.endswith(b"\r\n")
    assert chart_rows.shape == (953, 24)
    several = chart_rows.artist_count.astype(int) > 1
    assert (chart_rows["artist(s)_name"].str.count(", ") + 1)[several].equals(
        chart_rows.artist_count.astype(int)[several]
    )


def test_charts_dirt(chart_rows):
    text = chart_rows.streams[~chart_rows.streams.str.isdigit()].tolist()
    assert len(text) == 1
    assert text[0].startswith("BPM")
    assert "Danceability" in text[0]
    assert (chart_rows.streams == "2762").sum() == 1
    for column, count in (("in_deezer_playlists", 79), ("in_shazam_charts", 7)):
        separated = chart_rows[column].str.fullmatch(r"\d{1,3},\d{3}")
        numbers = pd.to_numeric(chart_rows[column].str.replace(",", "")).fillna(0)
        assert separated.sum() == count
        assert separated.equals(numbers >= 1000)
    assert (chart_rows.in_shazam_charts == "").sum() == 50
    assert (chart_rows.key == "").sum() == 95
    assert ((chart_rows.released_month == "1") & (chart_rows.released_day == "1")).sum() == 65


def test_chart_twins_conflict(chart_rows):
    names = ["track_name", "artist(s)_name"]
    twins = chart_rows[chart_rows.duplicated(names, keep=False)]
    assert len(twins) == 8
    assert (twins.groupby(names).streams.nunique() == 2).all()


def test_charts_marginals(chart_rows):
    year = chart_rows.released_year.astype(int)
    assert year.min() < 1970
    assert year.max() == 2023
    assert year.isin([2022, 2023]).mean() == pytest.approx(0.605, abs=0.06)
    assert (chart_rows["mode"] == "Major").mean() == pytest.approx(0.577, abs=0.05)
    assert (chart_rows.artist_count == "1").mean() == pytest.approx(0.616, abs=0.05)
    log_streams = np.log1p(pd.to_numeric(chart_rows.streams, errors="coerce"))
    assert log_streams.mean() == pytest.approx(19.51, abs=0.12)
    assert log_streams.std() == pytest.approx(1.15, abs=0.1)
    published = {"bpm": (122.5, 28.1), "danceability_%": (67.0, 14.6), "energy_%": (64.3, 16.6)}
    for column, (mean, sd) in published.items():
        values = chart_rows[column].astype(int)
        assert values.mean() == pytest.approx(mean, abs=4 * sd / np.sqrt(953))
        assert values.std() == pytest.approx(sd, rel=0.1)


def test_chart_counts_know_the_streams(chart_rows):
    streams = pd.to_numeric(chart_rows.streams, errors="coerce")
    playlists = chart_rows.in_spotify_playlists.astype(int)
    assert streams.corr(playlists, method="spearman") > 0.7


# Tracks


def test_tracks_format(folder, track_rows):
    data = (folder / "dataset.csv").read_bytes()
    assert data.startswith(b",track_id,artists,album_name,track_name,popularity,duration_ms,")
    assert b"\r" not in data
    assert data.count(b"\n") == ROWS + 1
    assert track_rows.columns[0] == "Unnamed: 0"
    assert track_rows.shape == (ROWS, 21)
    assert track_rows["Unnamed: 0"].tolist() == list(range(ROWS))
    assert track_rows.track_id.str.fullmatch("[0-7][0-9a-zA-Z]{21}").all()
    assert {line.split(b",")[-14] for line in data.splitlines()[1:]} == {b"True", b"False"}
    assert b'""' in data  # a quoted name
    assert track_rows.track_name.str.contains(",").any()
    assert not track_rows.track_name.str.isascii().all()
    assert track_rows.artists.str.contains(";").mean() == pytest.approx(0.28, abs=0.03)


def test_genres_match_the_seed(track_rows):
    seed = Path(__file__).parents[2] / "data" / "seeds" / "genres.csv"
    genres = seed.read_text().split()
    assert genres[0] == "genre"
    assert genres[1:] == world.GENRES == sorted(set(genres[1:]))
    assert len(world.GENRES) == 114
    counts = track_rows.track_genre.value_counts()
    assert sorted(counts.index) == world.GENRES
    assert counts.max() - counts.min() <= 1
    assert track_rows.track_genre.is_monotonic_increasing


def test_tracks_dirt(track_rows):
    nameless = track_rows[track_rows.track_name == ""]
    assert len(nameless) == 1
    row = nameless.iloc[0]
    assert (row.artists, row.album_name, row.track_genre) == ("", "", "k-pop")
    assert (row.duration_ms, row.popularity) == (0, 0)
    silent = track_rows.tempo == 0
    assert silent.sum() == pytest.approx(157 * ROWS / 114_000, rel=0.4)
    assert (track_rows.time_signature == 0)[silent].all()
    assert (track_rows[silent].track_genre != "sleep").all()
    spelled = track_rows.drop_duplicates(PAIR)
    folded = spelled.assign(track_name=spelled.track_name.str.strip().str.lower())
    assert folded.duplicated(PAIR).sum() == len(tracks.VARIANTS)


def test_repeats_and_pairs(track_rows):
    repeats = track_rows.duplicated("track_id").sum()
    assert repeats == pytest.approx(24_259 * ROWS / 114_000, abs=1)
    pairs = len(track_rows.drop_duplicates(PAIR))
    assert pairs == pytest.approx(80_398 * ROWS / 114_000, abs=2)
    by_id = track_rows.groupby("track_id")
    differing = (by_id.popularity.nunique() > 1).sum()
    assert differing == pytest.approx(720 * ROWS / 114_000, abs=2)
    same = [c for c in track_rows if c not in ("Unnamed: 0", "popularity", "track_genre")]
    assert (by_id[same].nunique() == 1).all(axis=None)
    genres = track_rows.groupby("track_id").track_genre.nunique()
    assert (genres > 1).mean() > 0.15
    sleeping = track_rows[track_rows.track_genre == "sleep"].track_id
    assert (track_rows[track_rows.track_id.isin(sleeping)].track_genre == "sleep").all()


@pytest.mark.parametrize(
    ("column", "mean", "sd"),
    [
        ("popularity", 33.24, 22.31),
        ("danceability", 0.567, 0.174),
        ("energy", 0.641, 0.252),
        ("loudness", -8.26, 5.03),
        ("speechiness", 0.0847, 0.106),
        ("acousticness", 0.315, 0.333),
        ("instrumentalness", 0.156, 0.310),
        ("liveness", 0.214, 0.190),
        ("valence", 0.474, 0.259),
        ("tempo", 122.15, 29.98),
        ("duration_ms", 228_000, 107_000),
    ],
)
def test_tracks_marginals(track_rows, column, mean, sd):
    # A few hour-long tracks make the spread of durations vary from sample to sample.
    tolerance = 0.15 if column == "duration_ms" else 0.06
    assert track_rows[column].mean() == pytest.approx(mean, abs=0.05 * sd)
    assert track_rows[column].std() == pytest.approx(sd, rel=tolerance)


def test_popularity_shape(track_rows):
    popularity = track_rows.popularity
    assert popularity.quantile([0.25, 0.5, 0.75]).tolist() == pytest.approx([17, 35, 50], abs=3)
    assert (popularity == 0).mean() == pytest.approx(0.14, abs=0.01)
    for points, share in ((60, 0.130), (70, 0.048), (80, 0.0105)):
        assert (popularity >= points).mean() == pytest.approx(share, rel=0.2)
    assert track_rows.explicit.mean() == pytest.approx(0.0855, abs=0.01)


# Truth and ceilings


def test_kept_rows_are_the_songs_of_the_truth(kept, track_truth):
    trained = track_ceilings.trained_songs(track_truth)
    names = (*PAIR, "popularity", "tempo", "time_signature")
    songs = pd.DataFrame({name: track_truth[name][trained] for name in names})
    both = songs.merge(kept, on=PAIR, suffixes=("", "_kept"), validate="one_to_one")
    assert len(both) == len(songs) == len(kept)
    assert (both.popularity == both.popularity_kept).all()
    assert (both.tempo == both.tempo_kept).all()
    assert (both.time_signature == both.time_signature_kept).all()


def test_genre_sets_are_those_of_all_rows_of_a_pair(genre_sets, track_truth):
    songs = pd.DataFrame({name: track_truth[name] for name in PAIR})
    assert (genre_sets.loc[folded_pair(songs)].to_numpy() == track_truth["genres"]).all()


def test_spellings_of_a_pair_share_their_genres():
    more = 0
    for seed in range(5):
        raw, truth = tracks.make(np.random.default_rng([seed, 2]), 1_000)
        songs = pd.DataFrame({name: truth[name] for name in PAIR})
        spelled = songs[folded_pair(songs).duplicated(keep=False)]
        assert len(spelled) == 2 * len(tracks.VARIANTS)
        size = pd.Series(truth["genres"].sum(axis=1)[spelled.index])
        assert (size.groupby(folded_pair(spelled).to_numpy()).nunique() == 1).all()
        exact = pd.DataFrame({c: raw[c] for c in (*PAIR, "track_genre")}).groupby(PAIR).nunique()
        more += (size > exact.track_genre[pd.MultiIndex.from_frame(spelled)].to_numpy()).sum()
    assert more > 0


def test_instrumentalness_is_zero_for_the_scores_that_count_as_lost(kept, track_truth):
    songs = pd.DataFrame({name: track_truth[name] for name in PAIR})
    songs["score"] = track_truth["scores"][:, track_ceilings.VOICELESS]
    both = songs.merge(kept, on=PAIR, validate="one_to_one")
    zero = both.instrumentalness == 0
    assert zero.mean() == pytest.approx(0.34, abs=0.03)
    assert (zero == (both.score <= track_ceilings.ZERO_UP_TO)).all()


def test_hit_is_a_cut_of_the_latent(track_truth):
    above = track_truth["z"] >= world.popularity_cut(60)
    assert (above == (track_truth["popularity"] >= 60)).all()


@pytest.fixture(scope="module")
def pooled():
    """Inputs, oracle and hits of five samples, so that an error of one point in a decile shows."""
    truths = [tracks.make(np.random.default_rng([s, 2]), ROWS)[1] for s in range(5)]
    trained = [track_ceilings.trained_songs(t) for t in truths]
    columns = np.concatenate([t["scores"][k, :4] for t, k in zip(truths, trained, strict=True)])
    table = pd.DataFrame(columns, columns=INPUTS)
    hits = [t["popularity"][k] >= 60 for t, k in zip(truths, trained, strict=True)]
    chance = [track_ceilings.hit_probability(t) for t in truths]
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
        expected = chart_ceilings.expected_log_streams(truth, context)[readable]
        error = truth["log_streams"][readable] - expected
        for decile in np.array_split(np.argsort(expected), 10):
            assert abs(error[decile].mean()) < 3.5 * error[decile].std() / np.sqrt(len(decile))
        r2 = 1 - error.var() / truth["log_streams"][readable].var()
        assert r2 == pytest.approx(explained, abs=0.03)


def test_ceilings_file(folder, chart_rows, kept):
    lines = (folder / "ceilings.csv").read_text().splitlines()
    assert lines[0] == "source,task,metric,ceiling,rows,definition"
    best = read_ceilings(folder)
    assert {name: row["metric"] for name, row in best.items()} == {
        "log_streams": "rmse",
        "log_streams_context": "rmse",
        "hit": "roc_auc",
        "tier accuracy": "accuracy",
        "tier log_loss": "log_loss",
        "popularity": "rmse",
    }
    signed = (kept.time_signature > 0).sum()
    assert signed < len(kept)
    rows = [len(chart_rows) - 1] * 2 + [len(kept)] * 3 + [signed]
    assert [int(row["rows"]) for row in best.values()] == rows
    assert 0.70 < float(best["hit"]["ceiling"]) < 0.77
    assert 0.85 < float(best["log_streams_context"]["ceiling"]) < 0.93
    assert 0.63 < float(best["tier accuracy"]["ceiling"]) < 0.69
    assert 0.70 < float(best["tier log_loss"]["ceiling"]) < 0.78
    assert 14.8 < float(best["popularity"]["ceiling"]) < 15.7


def test_a_third_of_the_songs_are_singles_and_no_reissue_is(track_rows):
    tracks = track_rows.dropna(subset="track_name").drop_duplicates("track_id")
    single = tracks.album_name == tracks.track_name
    assert 0.25 < single.mean() < 0.35
    songs = [tracks.track_name, tracks.artists]
    assert single.groupby(songs).size().max() > 1
    assert single.groupby(songs).sum().max() == 1


def test_ceilings_say_what_they_hold_for(folder):
    found = {name: json.loads(row["definition"]) for name, row in read_ceilings(folder).items()}
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


def test_hit_ceiling_is_what_scikit_learn_computes(folder, track_truth):
    hits = (track_truth["popularity"] >= 60)[track_ceilings.trained_songs(track_truth)]
    score = roc_auc_score(hits, track_ceilings.hit_probability(track_truth))
    assert float(read_ceilings(folder)["hit"]["ceiling"]) == pytest.approx(score, abs=1e-6)


def test_no_model_of_hits_beats_the_ceiling(folder, kept):
    best = float(read_ceilings(folder)["hit"]["ceiling"])
    features, hits = kept[INPUTS].to_numpy(), (kept.popularity >= 60).to_numpy()
    boosting = HistGradientBoostingClassifier(max_iter=80, max_leaf_nodes=12, learning_rate=0.06)
    scores = {}
    for name, model in (("linear", LogisticRegression(max_iter=500)), ("boosting", boosting)):
        chance = cross_val_predict(model, features, hits, cv=FOLDS, method="predict_proba")[:, 1]
        scores[name] = roc_auc_score(hits, chance)
    assert scores["linear"] < scores["boosting"] < best + 0.005
    assert scores["boosting"] > best - 0.03


def test_no_model_of_streams_beats_the_ceiling(tmp_path):
    songs = 8_000
    write_sample(tmp_path, songs=songs, only={"chart_songs"})
    found = read_ceilings(tmp_path)
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
            errors[name] = ceilings.rmse(target - predicted)
        assert errors["linear"] > errors["boosting"] > best - 0.003
        assert errors["boosting"] < best + 0.05


def test_genre_and_all_sound_tell_more_than_the_four_inputs(track_truth):
    trained = track_ceilings.trained_songs(track_truth)
    hits = (track_truth["popularity"] >= 60)[trained]
    mean = world.latent_mean(track_truth["genre"][trained], track_truth["scores"][trained])
    four = ceilings.roc_auc(hits, track_ceilings.hit_probability(track_truth))
    assert ceilings.roc_auc(hits, mean) > four + 0.1


def candidates(truth) -> pd.DataFrame:
    """Genres of the songs that have several: own (the primary one), chance and repeats."""
    trained = track_ceilings.trained_songs(truth)
    song, genre, chance = track_ceilings.primary_genres(truth, trained)
    assert np.bincount(song, chance) == pytest.approx(1)
    repeats = dict(zip(truth["genre"], truth["repeats"], strict=True))
    own = genre == truth["genre"][trained][song]
    found = pd.DataFrame({"own": own, "chance": chance, "repeats": [repeats[g] for g in genre]})
    return found[np.bincount(song)[song] > 1]


def assert_calibrated(happened, chance, errors=3.5):
    # Not below one event: hardly a song of the lowest decile is Viral.
    error = max(1, np.sqrt((chance * (1 - chance)).sum()))
    assert abs(happened.sum() - chance.sum()) < errors * error


def test_chance_of_a_genre_to_be_primary_is_calibrated(track_truth):
    found = candidates(track_truth)
    for _, part in found.groupby(pd.cut(found.chance, [0, 0.05, 0.3, 0.7, 0.95, 1])):
        assert len(part) > 100
        assert_calibrated(part.own, part.chance)


def test_a_genre_with_more_repeats_is_likelier_a_companion():
    # Small samples tell it best: here a genre has one repeat or two.
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


def test_scores_that_the_file_has_lost_are_not_used(track_truth):
    scores = track_truth["scores"].copy()
    lost = scores[:, track_ceilings.VOICELESS] <= track_ceilings.ZERO_UP_TO
    scores[lost, track_ceilings.VOICELESS] -= 1
    same = track_ceilings.tier_probability(track_truth | {"scores": scores})
    assert same == pytest.approx(track_ceilings.tier_probability(track_truth))


@pytest.mark.parametrize("place", range(4))
def test_tier_probability_is_calibrated(chance, tier, place):
    assert chance.sum(axis=1) == pytest.approx(1)
    for rows in np.array_split(np.argsort(chance[:, place]), 8):
        assert_calibrated(tier[rows] == place, chance[rows, place])


def test_expected_popularity_is_calibrated(track_truth):
    trained = track_ceilings.trained_songs(track_truth)
    expected = track_ceilings.expected_popularity(track_truth, trained)
    error = track_truth["popularity"][trained] - expected
    for decile in np.array_split(np.argsort(expected), 10):
        assert abs(error[decile].mean()) < 3.5 * error[decile].std() / np.sqrt(len(decile))


def test_expected_popularity_is_the_mean_over_the_noise(track_truth):
    """The closed form against draws of artist effect and noise, where the genre is certain."""
    single = track_ceilings.trained_songs(track_truth) & (track_truth["genres"].sum(axis=1) == 1)
    few = single & (np.cumsum(single) <= 50)
    mean = world.latent_mean(track_truth["genre"][few], track_truth["scores"][few])
    spread = np.hypot(world.ARTIST_SD, world.NOISE_SD)
    z = mean[:, None] + spread * np.random.default_rng(1).normal(size=(50, 40_000))
    cuts = [world.popularity_cut(points) for points in range(1, 101)]
    drawn = np.searchsorted(cuts, z, side="right").mean(axis=1)
    assert track_ceilings.expected_popularity(track_truth, few) == pytest.approx(drawn, abs=0.5)


def test_tier_ceilings_are_what_scikit_learn_computes(folder, chance, tier):
    best = read_ceilings(folder)
    for metric, score in (
        ("accuracy", accuracy_score(tier, chance.argmax(axis=1))),
        ("log_loss", log_loss(tier, chance)),
    ):
        assert float(best[f"tier {metric}"]["ceiling"]) == pytest.approx(score, abs=1e-6)


def test_genres_tell_of_tier_and_popularity_and_their_primary_one_more(track_truth):
    awake = np.arange(len(world.GENRES)) != world.SLEEP
    every = track_truth | {"genres": np.broadcast_to(awake, track_truth["genres"].shape)}
    known = track_truth | {"genres": np.eye(len(awake), dtype=bool)[track_truth["genre"]]}
    for task, more, less in (
        (track_ceilings.tier_log_loss, 0.02, 0.05),
        (track_ceilings.popularity, 0.4, 1),
    ):
        best = task(track_truth).ceiling
        assert best - more < task(known).ceiling < best < task(every).ceiling - less


def test_no_model_of_all_inputs_beats_the_ceilings(folder, kept, genre_sets):
    """Two models: one that finds the shapes out, and one that was told where to look."""
    best = {name: float(row["ceiling"]) for name, row in read_ceilings(folder).items()}
    rows = kept[kept.time_signature > 0]
    pair = folded_pair(rows)
    audio, genres = rows[list(track_ceilings.AUDIO)], genre_sets.loc[pair].to_numpy(dtype=float)
    to_normal = QuantileTransformer(output_distribution="normal", random_state=0)
    scores = to_normal.fit_transform(audio[list(world.FEATURES)].to_numpy()).clip(-3.5, 3.5)
    curved = world.sound(scores[:, :4])[:, None]
    share = genres / genres.sum(axis=1, keepdims=True)
    told = np.hstack([scores, curved, share])
    seen = np.hstack([audio, genres])
    boosting = HistGradientBoostingRegressor(max_iter=150, max_leaf_nodes=12, learning_rate=0.1)
    errors = {}
    for name, model, x in (("told", Ridge(), told), ("boosting", boosting, seen)):
        predicted = cross_val_predict(model, x, rows.popularity, groups=pair, cv=GroupKFold(5))
        errors[name] = ceilings.rmse(rows.popularity - predicted)
    assert errors["boosting"] > errors["told"] > best["popularity"] - 0.1
    assert errors["told"] < best["popularity"] + 1
    label = np.searchsorted([40, 60, 80], rows.popularity, side="right")
    model = LogisticRegression(max_iter=300)
    tiers = cross_val_predict(
        model, told, label, groups=pair, cv=GroupKFold(5), method="predict_proba"
    )
    assert best["tier log_loss"] - 0.01 < log_loss(label, tiers) < best["tier log_loss"] + 0.1
    accuracy = accuracy_score(label, tiers.argmax(axis=1))
    assert best["tier accuracy"] - 0.05 < accuracy < best["tier accuracy"] + 0.01
