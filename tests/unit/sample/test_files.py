"""The files of a sample: bytes, format, defects and marginals."""

import numpy as np
import pandas as pd
import pytest

from hitparade.sample import (
    track_best_scores,
    track_generator,
    tracks,
    write_sample,
)
from tests.unit.sample.conftest import PAIR, ROWS, folded_pair, read_best_scores

SMALL = {"songs": 60, "tracks": 700, "playlists": 50}
# Bytes


def test_equal_arguments_give_equal_bytes(tmp_path):
    one = write_sample(tmp_path / "one", **SMALL, seed=5)
    two = write_sample(tmp_path / "two", **SMALL, seed=5)
    names = ["spotify-2023.csv", "dataset.csv", "mpd.slice.0-999.json", "ceilings.csv"]
    assert [p.name for p in one] == names
    assert [p.read_bytes() for p in one] == [p.read_bytes() for p in two]


def test_another_seed_gives_other_bytes(tmp_path):
    one = write_sample(tmp_path / "one", **SMALL, seed=5)
    two = write_sample(tmp_path / "two", **SMALL, seed=6)
    assert all(a.read_bytes() != b.read_bytes() for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize(
    ("part", "file"),
    [
        ("chart_songs", "spotify-2023.csv"),
        ("tracks", "dataset.csv"),
        ("playlists", "mpd.slice.0-999.json"),
    ],
)
def test_a_part_generated_by_itself_is_the_same(tmp_path, folder, part, file):
    paths = write_sample(tmp_path, tracks=ROWS, only={part})
    assert [paths[0].name, paths[-1].name] == [file, "ceilings.csv"]
    assert paths[0].read_bytes() == (folder / file).read_bytes()
    both = read_best_scores(folder).items()
    assert read_best_scores(tmp_path) == {task: row for task, row in both if row["source"] == part}


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
def test_small_samples_keep_one_of_each_defect(tmp_path, songs, rows):
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


def test_charts_have_the_published_format(folder, chart_rows):
    data = (folder / "spotify-2023.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbftrack_name,artist(s)_name,artist_count,released_year,")
    assert data.count(b"\r\n") == data.count(b"\n") == 954
    assert data.endswith(b"\r\n")
    assert chart_rows.shape == (953, 24)
    several = chart_rows.artist_count.astype(int) > 1
    assert (chart_rows["artist(s)_name"].str.count(", ") + 1)[several].equals(
        chart_rows.artist_count.astype(int)[several]
    )


def test_charts_have_the_published_defects(chart_rows):
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


def test_duplicate_chart_songs_conflict(chart_rows):
    names = ["track_name", "artist(s)_name"]
    twins = chart_rows[chart_rows.duplicated(names, keep=False)]
    assert len(twins) == 8
    assert (twins.groupby(names).streams.nunique() == 2).all()


def test_charts_have_the_published_marginals(chart_rows):
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


def test_chart_counts_correlate_with_the_streams(chart_rows):
    streams = pd.to_numeric(chart_rows.streams, errors="coerce")
    playlists = chart_rows.in_spotify_playlists.astype(int)
    assert streams.corr(playlists, method="spearman") > 0.7


# Tracks


def test_tracks_have_the_published_format(folder, track_rows):
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


def test_every_genre_has_as_many_rows(track_rows):
    assert sorted(set(track_generator.GENRES)) == track_generator.GENRES
    assert len(track_generator.GENRES) == 114
    counts = track_rows.track_genre.value_counts()
    assert sorted(counts.index) == track_generator.GENRES
    assert counts.max() - counts.min() <= 1
    assert track_rows.track_genre.is_monotonic_increasing


def test_tracks_have_the_published_defects(track_rows):
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


def test_tracks_have_the_published_repeats_and_pairs(track_rows):
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
def test_tracks_have_the_published_marginals(track_rows, column, mean, sd):
    # A few tracks of an hour make the spread of durations vary between samples.
    tolerance = 0.15 if column == "duration_ms" else 0.06
    assert track_rows[column].mean() == pytest.approx(mean, abs=0.05 * sd)
    assert track_rows[column].std() == pytest.approx(sd, rel=tolerance)


def test_popularity_has_the_published_distribution(track_rows):
    popularity = track_rows.popularity
    assert popularity.quantile([0.25, 0.5, 0.75]).tolist() == pytest.approx([17, 35, 50], abs=3)
    assert (popularity == 0).mean() == pytest.approx(0.14, abs=0.01)
    for points, share in ((60, 0.130), (70, 0.048), (80, 0.0105)):
        assert (popularity >= points).mean() == pytest.approx(share, rel=0.2)
    assert track_rows.explicit.mean() == pytest.approx(0.0855, abs=0.01)


# True values and best achievable scores


def test_kept_rows_are_the_generated_songs(kept, track_truth):
    trained = track_best_scores.trained_songs(track_truth)
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


def test_instrumentalness_is_zero_for_the_scores_counted_as_missing(kept, track_truth):
    songs = pd.DataFrame({name: track_truth[name] for name in PAIR})
    songs["score"] = track_truth["scores"][:, track_best_scores.VOICELESS]
    both = songs.merge(kept, on=PAIR, validate="one_to_one")
    zero = both.instrumentalness == 0
    assert zero.mean() == pytest.approx(0.34, abs=0.03)
    assert (zero == (both.score <= track_best_scores.ZERO_UP_TO)).all()


def test_one_third_of_the_songs_are_singles_and_no_reissue_is(track_rows):
    tracks = track_rows.dropna(subset="track_name").drop_duplicates("track_id")
    single = tracks.album_name == tracks.track_name
    assert 0.25 < single.mean() < 0.35
    songs = [tracks.track_name, tracks.artists]
    assert single.groupby(songs).size().max() > 1
    assert single.groupby(songs).sum().max() == 1
