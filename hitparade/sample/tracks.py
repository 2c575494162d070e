"""Generate the rows of the tracks file: songs with reissues, repeated rows and defects.

A song is a pair of name and artists. Its canonical track has the song's popularity. Other tracks of
the song (reissues) are never more popular, so the most popular row of a pair is the canonical one.
Each track has a row in its song's genre. Additional rows repeat it, mostly under a companion genre
that is drawn independently of everything else.
"""

from collections import Counter
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from hitparade.sample import names
from hitparade.sample import track_generator as generator
from hitparade.sample.files import Columns, take
from hitparade.sample.marginals import POPULARITY, TRACK_AUDIO, even, scaled, value_at, value_of

PUBLISHED = 114_000
REPEATS, DIFFERING, REISSUES = 24_259, 720, 89_741 - 80_398
NO_TEMPO, NO_SIGNATURE = 157, 163
SINGLES = 0.33  # share of songs whose album has the song's name
ALBUM = 4  # most songs on an album
VARIANTS: tuple[Callable[[str], str], ...] = (
    str.upper,
    str.lower,
    "{} ".format,
    " {}".format,
    str.swapcase,
    "  {}".format,
)
COLUMNS = (
    "track_id", "artists", "album_name", "track_name", "popularity", "duration_ms", "explicit",
    "danceability", "energy", "key", "loudness", "mode", "speechiness", "acousticness",
    "instrumentalness", "liveness", "valence", "tempo", "time_signature", "track_genre",
)  # fmt: skip
TRUTH = ("track_name", "artists", "genre", "scores", "z", "popularity", "tempo", "time_signature")


def make(rng: np.random.Generator, rows: int) -> tuple[Columns, Columns]:
    """Generate the raw rows and the truth of their songs.

    Returns:
        The raw table with all 21 columns, sorted by genre, and the truth with one row for each song
        (pair of `track_name` and `artists`): `genre` (index of the primary one), `scores` (shape
        songs, 10: the normal scores behind FEATURES), `z` (latent popularity), `popularity`,
        `tempo` and `time_signature` as written, `genres` (shape songs, 114: which genres the rows
        of the song have, or of its other spelling) and `repeats` (rows that repeat a track under
        the song's genre).
    """
    quota = even(rows, len(generator.GENRES))
    repeats = even(scaled(REPEATS, PUBLISHED, rows), len(quota))
    reissues = even(scaled(REISSUES, PUBLISHED, rows), len(quota))
    own = quota - repeats - reissues
    own[generator.GENRES.index("k-pop")] -= 1  # leaves room for the row without a name
    songs = _songs(rng, own)
    _silence(rng, songs)
    songs["pair"] = _pairs(songs)
    tracks = _tracks(rng, songs, np.repeat(np.arange(len(own)), reissues))
    table = _rows(rng, tracks, np.repeat(np.arange(len(own)), repeats))
    truth = {name: songs[name] for name in TRUTH}
    truth |= {"genres": _genre_sets(table)[songs["pair"]], "repeats": repeats[songs["genre"]]}
    return _finish(rng, table), truth


def _songs(rng: np.random.Generator, counts: NDArray[np.int64]) -> Columns:
    genre = np.repeat(np.arange(len(counts)), counts)
    songs = len(genre)
    artist, people = _artists(rng, counts)
    own = generator.WITHIN * rng.normal(size=(songs, len(generator.FEATURES)))
    scores = generator.MEANS[genre] + own
    artist_effect = generator.ARTIST_SD * rng.normal(size=len(people))
    noise = generator.NOISE_SD * rng.normal(size=songs)
    z = generator.latent_mean(genre, scores) + artist_effect[artist] + noise
    share = ndtr((z - generator.Z_MEAN) / generator.Z_SD)
    popularity = np.floor(value_at(POPULARITY, share)).astype(int)
    table = {"genre": genre, "scores": scores, "z": z, "popularity": np.minimum(popularity, 100)}
    return table | _titles(rng, artist, people) | _sound(scores) | _rest(rng, genre)


def _artists(
    rng: np.random.Generator, songs: NDArray[np.int64]
) -> tuple[NDArray[np.int64], list[str]]:
    """Return each song's leading artist and all artist names; an artist has one genre."""
    pool = np.maximum(1, songs // 3)
    first = np.cumsum(pool) - pool
    place = rng.random(songs.sum()) ** 1.5
    lead = np.repeat(first, songs) + np.floor(place * np.repeat(pool, songs)).astype(int)
    return lead, names.artists(rng, pool.sum())


def _titles(rng: np.random.Generator, artist: NDArray[np.int64], people: list[str]) -> Columns:
    songs = len(artist)
    count = rng.choice([1, 2, 3, 4], size=songs, p=[0.72, 0.20, 0.06, 0.02])
    artists = np.array(names.bylines(rng, people, artist, count, ";"), dtype=object)
    phrases = names.distinct(names.phrases(rng, names.TITLES, songs), artists.tolist())
    titles = np.array(phrases, dtype=object)
    # Two spellings of a name are two songs in an exact comparison, so each has its own truth.
    _, first, size = np.unique(artist, return_index=True, return_counts=True)
    for spelling, lead in zip(VARIANTS, rng.permutation(artist[first[size > 1]]), strict=False):
        one, other = np.flatnonzero(artist == lead)[:2]
        titles[other], artists[other] = spelling(titles[one]), artists[one]
    return {"track_name": titles, "artists": artists}


def _sound(scores: NDArray[np.float64]) -> Columns:
    values = {
        f: value_of(TRACK_AUDIO[f], s) for f, s in zip(generator.FEATURES, scores.T, strict=True)
    }
    sound = {name: _three_digits(column) for name, column in values.items()}
    sound |= {name: np.round(values[name], 3) for name in ("loudness", "tempo")}
    return sound | {"duration_ms": np.rint(values["duration_ms"]).astype(int)}


def _three_digits(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([float(f"{value:.3g}") for value in values])


def _rest(rng: np.random.Generator, genre: NDArray[np.int64]) -> Columns:
    songs = len(genre)
    return {
        "explicit": rng.random(songs) < 0.0855,
        "key": rng.integers(12, size=songs),
        "mode": (rng.random(songs) < 0.6376).astype(int),
        "time_signature": rng.choice([4, 3, 5, 1], size=songs, p=[0.895, 0.080, 0.016, 0.009]),
    }


def _silence(rng: np.random.Generator, songs: Columns) -> None:
    """Set to zero what the real file lacks for tracks without a beat; the scores stay unchanged."""
    rows = len(songs["genre"])
    awake = rng.permutation(np.flatnonzero(songs["genre"] != generator.SLEEP))
    silent = awake[: scaled(NO_TEMPO, PUBLISHED, rows)]
    for name in ("tempo", "danceability", "valence", "speechiness"):
        songs[name][silent] = 0
    songs["time_signature"][awake[: scaled(NO_SIGNATURE, PUBLISHED, rows)]] = 0


def _pairs(songs: Columns) -> NDArray[np.int64]:
    """Return the index of each song's pair of names (shape songs), equal for all spellings."""
    numbers: dict[tuple[str, str], int] = {}
    names_of = zip(songs["track_name"], songs["artists"], strict=True)
    folded = ((title.strip().lower(), artists.strip().lower()) for title, artists in names_of)
    return np.array([numbers.setdefault(pair, len(numbers)) for pair in folded])


def _genre_sets(table: Columns) -> NDArray[np.bool_]:
    """Return which genres the rows of each pair have, shape (pairs, genres)."""
    sets = np.zeros((table["pair"].max() + 1, len(generator.GENRES)), dtype=bool)
    sets[table["pair"], table["genre"]] = True
    return sets


def _tracks(rng: np.random.Generator, songs: Columns, genres: NDArray[np.int64]) -> Columns:
    """Return the canonical track of every song, then one reissue for each genre given."""
    counts = np.bincount(songs["genre"])
    place = np.floor(rng.random(len(genres)) * counts[genres]).astype(int)
    reissues = take(songs, (np.cumsum(counts) - counts)[genres] + place)
    _fade(rng, reissues)
    albums = names.phrases(rng, names.ALBUMS, len(songs["genre"]))
    # A separate random stream: nothing else depends on which songs are singles.
    single = rng.spawn(1)[0].random(len(albums)) < SINGLES
    albums = np.where(
        single, songs["track_name"], _shared(albums, songs["artists"], single)
    ).tolist()
    albums += names.phrases(rng, names.COLLECTIONS, len(genres))
    tracks = {name: np.concatenate([songs[name], reissues[name]]) for name in songs}
    ids = names.track_ids(rng, len(albums))
    return tracks | {"album_name": np.array(albums), "track_id": ids}


def _shared(albums: list[str], artists: NDArray, single: NDArray[np.bool_]) -> list[str]:
    """Return the albums' names such that the songs of an artist share an album."""
    first: dict[tuple[str, int], str] = {}
    seen: Counter[str] = Counter()
    found = []
    for album, byline, is_single in zip(albums, artists, single, strict=True):
        lead = byline.split(";")[0]
        found.append(first.setdefault((lead, seen[lead] // ALBUM), album))
        seen[lead] += not is_single
    return found


def _fade(rng: np.random.Generator, reissues: Columns) -> None:
    """Lower the popularity of some reissues in place, and vary the sound of some of them."""
    original, count = reissues["popularity"], len(reissues["popularity"])
    factor = rng.choice([1.0, 0.5, 0.0], size=count, p=[0.3, 0.5, 0.2])
    factor[factor == 0.5] = rng.random((factor == 0.5).sum())
    reissues["popularity"] = np.floor(original * factor).astype(int)
    # If popularity is equal, the track id decides which row is kept, so the sound must be equal.
    varied = (reissues["popularity"] < original) & (rng.random(count) < 0.5)
    step = varied * rng.normal(size=(4, count))
    reissues["loudness"] = np.round(reissues["loudness"] + 0.5 * step[0], 3)
    reissues["energy"] = _three_digits(np.clip(reissues["energy"] * (1 + 0.02 * step[1]), 0, 1))
    reissues["tempo"] = np.round(reissues["tempo"] * (1 + 1e-4 * step[2]), 3)
    reissues["duration_ms"] = reissues["duration_ms"] + np.rint(800 * step[3]).astype(int)


def _rows(rng: np.random.Generator, tracks: Columns, genres: NDArray[np.int64]) -> Columns:
    """Return one row for each track, then one row of a random track for each given genre."""
    asleep = tracks["genre"] == generator.SLEEP
    # Songs of the genre sleep have no other genre, so excluding sleep removes whole songs.
    night, day = (rng.choice(np.flatnonzero(c), size=len(genres)) for c in (asleep, ~asleep))
    again = np.where(genres == generator.SLEEP, night, day)
    table = take(tracks, np.concatenate([np.arange(len(asleep)), again]))
    table["genre"] = np.concatenate([tracks["genre"], genres])
    _differ(rng, table["popularity"][len(asleep) :], again)
    return table


def _differ(
    rng: np.random.Generator, popularity: NDArray[np.int64], track: NDArray[np.int64]
) -> None:
    """Lower the popularity of a few repeats in place, at most one for each track."""
    single = np.bincount(track)[track] == 1
    open_to = rng.permutation(np.flatnonzero(single & (popularity > 0)))
    chosen = open_to[: scaled(DIFFERING, REPEATS, len(track))]
    popularity[chosen] = np.floor(popularity[chosen] * rng.uniform(0.5, 1, len(chosen)))


def _finish(rng: np.random.Generator, table: Columns) -> Columns:
    """Add the row without a name, put the rows in order and name the genres."""
    nameless = np.flatnonzero(table["genre"] == generator.GENRES.index("k-pop"))[:1]
    rows = len(table["genre"])
    table = take(table, np.append(np.arange(rows), nameless))
    for name in ("artists", "album_name", "track_name"):
        table[name][-1] = ""
    for name in ("duration_ms", "popularity"):
        table[name][-1] = 0
    table["track_id"][-1] = names.track_ids(rng, 1)[0]
    shuffled = rng.permutation(rows + 1)
    table = take(table, shuffled[np.argsort(table["genre"][shuffled], kind="stable")])
    table["track_genre"] = np.array(generator.GENRES)[table["genre"]]
    return {"": np.arange(rows + 1)} | {name: table[name] for name in COLUMNS}
