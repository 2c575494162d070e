"""Generate the chart songs: raw rows with the defects of the real file, and their truth.

ln(1 + streams) of a song is a part that its sound explains, a part that its context explains
(drawn independently of the sound) and Gaussian noise.
"""

import re

import numpy as np
from numpy.typing import NDArray

from hitparade.sample import names
from hitparade.sample.files import Columns
from hitparade.sample.marginals import (
    CHART_AUDIO,
    COUNTS,
    RELEASED_YEAR,
    by_rank,
    scaled,
    value_at,
    value_of,
)

PUBLISHED = 953
OUTLIER = 2_762  # streams of the one implausible row
CENTER = 19.74  # gives ln(1 + streams) a mean near 19.5, as published
NOISE_SD = 0.76
SNAPSHOT = np.datetime64("2023-07-15")
KEYS = {
    "C#": 120, "G": 96, "": 95, "G#": 91, "F": 89, "B": 81, "D": 81, "A": 75, "F#": 73, "E": 62,
    "A#": 57, "D#": 33,
}  # fmt: skip
ARTIST_COUNT = np.array([587, 254, 85, 15, 5, 3, 2, 2]) / PUBLISHED
# Correlation of each count with streams: these columns leak the answer.
LEAKS = {
    "in_spotify_playlists": 0.80,
    "in_spotify_charts": 0.30,
    "in_apple_playlists": 0.65,
    "in_apple_charts": 0.35,
    "in_deezer_playlists": 0.72,
    "in_deezer_charts": 0.30,
    "in_shazam_charts": 0.25,
}
# Correlation of the normal scores of two audio features; all other pairs are independent.
LINKS = {
    ("danceability_%", "valence_%"): 0.40,
    ("danceability_%", "speechiness_%"): 0.25,
    ("valence_%", "energy_%"): 0.35,
    ("energy_%", "acousticness_%"): -0.48,
}
COLUMNS = (
    "track_name", "artist(s)_name", "artist_count", "released_year", "released_month",
    "released_day", "in_spotify_playlists", "in_spotify_charts", "streams", "in_apple_playlists",
    "in_apple_charts", "in_deezer_playlists", "in_deezer_charts", "in_shazam_charts", "bpm",
    "key", "mode", "danceability_%", "valence_%", "energy_%", "acousticness_%",
    "instrumentalness_%", "liveness_%", "speechiness_%",
)  # fmt: skip


def make(rng: np.random.Generator, songs: int) -> tuple[Columns, Columns]:
    """Generate the raw rows and their truth, in the same order.

    Returns:
        The raw table with all 24 columns, and the truth with one row for each raw row: `audio` and
        `context` (their parts of ln(1 + streams); `audio` includes the constant), `log_streams` (as
        written; NaN if the text is not a number) and `outlier` (True for the implausible row).
    """
    broken, outlier, *clean = rng.permutation(songs)
    raw = _names(rng, songs, np.array(clean)) | _audio(rng, songs) | _context(rng, songs)
    audio, context = audio_part(raw), context_part(raw)
    level = audio + context + NOISE_SD * rng.normal(size=songs)
    streams = np.rint(np.expm1(level))
    streams[outlier] = OUTLIER
    raw |= _counts(rng, level) | {"streams": streams.astype(np.int64).astype(object)}
    log_streams = np.log1p(streams)
    log_streams[broken] = np.nan
    _add_defects(rng, raw, broken)
    truth = {"audio": audio, "context": context, "log_streams": log_streams}
    return {c: raw[c] for c in COLUMNS}, truth | {"outlier": np.arange(songs) == outlier}


def audio_part(songs: Columns) -> NDArray[np.float64]:
    """Return E[ln(1 + streams)] given the eight written audio features, without the context part.

    It is nonlinear on purpose: there is a best bpm, and danceability and energy interact.
    """
    bpm = (songs["bpm"] - 122) / 28
    dance = (songs["danceability_%"] - 67) / 14.6
    energy = (songs["energy_%"] - 64) / 16.6
    curved = np.exp(-(bpm**2)) + 0.27 * dance * energy
    curved += 0.30 * np.tanh((songs["valence_%"] - 51) / 23.5)
    curved -= 0.30 * np.log(songs["speechiness_%"])
    straight = 0.003 * (songs["acousticness_%"] + songs["instrumentalness_%"])
    return CENTER + curved - straight - 0.004 * songs["liveness_%"]


def context_part(songs: Columns) -> NDArray[np.float64]:
    """Return the effect of release age, artist count and mode on ln(1 + streams), mean near 0."""
    age = np.log1p((SNAPSHOT - _dates(songs)).astype(float) / 365.25)
    artists = np.minimum(songs["artist_count"], 4)
    major = songs["mode"] == "Major"
    return 0.52 * (age - 1.1) - 0.18 * (artists - 1.5) + 0.28 * (major - 0.58)


def _dates(songs: Columns) -> NDArray[np.datetime64]:
    year, month, day = (songs[f"released_{part}"] for part in ("year", "month", "day"))
    months = (12 * (year - 1970) + month - 1).astype("datetime64[M]")
    return months.astype("datetime64[D]") + (day - 1)


def _names(rng: np.random.Generator, songs: int, clean: NDArray[np.int64]) -> Columns:
    count = rng.choice(np.arange(1, 9), size=songs, p=ARTIST_COUNT)
    pool = names.artists(rng, max(12, songs * 2 // 3))
    lead = (len(pool) * rng.random(songs) ** 2).astype(int)
    artists = names.bylines(rng, pool, lead, count, ", ")
    titles = names.distinct(names.phrases(rng, names.TITLES, songs), artists)
    # The real file has two replacement characters, decoded as Latin-1, in place of accents.
    mangled = ([re.sub("[^\x00-\x7f]", "ï¿½ï¿½", text) for text in c] for c in (titles, artists))
    table = dict(zip(COLUMNS, (*map(np.array, mangled), count), strict=False))
    pairs = min(4, songs // 20)
    for column in table.values():
        # Rows with the same names share nothing else, so that one does not reveal the other.
        column[clean[:pairs]] = column[clean[pairs : 2 * pairs]]
    return table


def _audio(rng: np.random.Generator, songs: int) -> Columns:
    features = list(CHART_AUDIO)
    correlation = np.eye(len(features))
    for (one, other), value in LINKS.items():
        i, j = features.index(one), features.index(other)
        correlation[i, j] = correlation[j, i] = value
    scores = np.linalg.cholesky(correlation) @ rng.normal(size=(len(features), songs))
    values = (value_of(CHART_AUDIO[f], s) for f, s in zip(features, scores, strict=True))
    return {f: np.rint(v).astype(int) for f, v in zip(features, values, strict=True)}


def _context(rng: np.random.Generator, songs: int) -> Columns:
    year = np.floor(value_at(RELEASED_YEAR, rng.random(songs))).astype(int)
    january = (year - 1970).astype("datetime64[Y]").astype("datetime64[D]")
    length = np.minimum(SNAPSHOT - january, 365).astype(int)
    # Unknown dates are written as January 1, so no other row has this date.
    day = rng.integers(1, length)
    day[rng.permutation(songs)[: scaled(65, PUBLISHED, songs)]] = 0
    month = (january + day).astype("datetime64[M]")
    keys = np.repeat(list(KEYS), list(KEYS.values()))
    return {
        "released_year": year,
        "released_month": month.astype(int) % 12 + 1,
        "released_day": (january + day - month.astype("datetime64[D]")).astype(int) + 1,
        "key": rng.permutation(keys[np.arange(songs) * PUBLISHED // songs]),
        "mode": np.where(rng.random(songs) < 0.577, "Major", "Minor"),
    }


def _counts(rng: np.random.Generator, level: NDArray[np.float64]) -> Columns:
    standard = (level - level.mean()) / level.std()
    counts = {}
    for name, r in LEAKS.items():
        score = r * standard + np.sqrt(1 - r**2) * rng.normal(size=len(level))
        counts[name] = by_rank(COUNTS[name], score)
    return counts


def _add_defects(rng: np.random.Generator, raw: Columns, broken: int) -> None:
    few = np.flatnonzero(raw["in_shazam_charts"] < 1000)
    empty = rng.permutation(few)[: scaled(50, PUBLISHED, len(raw["bpm"]))]
    for name in ("in_deezer_playlists", "in_shazam_charts"):
        raw[name] = np.array([f"{count:,}" for count in raw[name]], dtype=object)
    raw["in_shazam_charts"][empty] = ""
    raw["streams"][broken] = _spilled(raw, broken)


def _spilled(raw: Columns, row: int) -> str:
    """Return the columns after `streams` joined together, as in the real file's broken row."""
    fields = COLUMNS[COLUMNS.index("bpm") :]
    labels = ["BPM", *(field.removesuffix("_%").capitalize() for field in fields[1:])]
    return "".join(f"{label}{raw[f][row]}" for label, f in zip(labels, fields, strict=True))
