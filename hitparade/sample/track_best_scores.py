"""Best achievable scores on the tracks: hit from four inputs, tier and popularity from all.

Given the genre, everything else is Gaussian and is integrated in closed form. The genre is summed
out with its posterior. The artist is not an input, so its effect is part of the noise.

Inputs enter as latent normal scores. The written values are these scores, mapped one to one and
rounded. Treating the scores as known uses slightly more information than the files have, so a best
score may be slightly out of reach, but never too easy. Only the zeros of instrumentalness lose
much information.
"""

import json
from collections.abc import Iterable
from functools import reduce

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtr, ndtri, softmax

from hitparade.sample import track_generator as generator
from hitparade.sample.best_scores import BestScore, rmse, roc_auc
from hitparade.sample.files import Columns
from hitparade.sample.marginals import TRACK_AUDIO

HIT = 60  # popularity at and above which a song is a hit
TIERS = (40, 60, 80)  # popularity at and above which a song is Mid, Hit and Viral
VOICELESS = generator.FEATURES.index("instrumentalness")
# Instrumentalness is written as 0 for scores up to this one.
_PROBABILITIES, _VALUES = TRACK_AUDIO["instrumentalness"]
ZERO_UP_TO = ndtri(_PROBABILITIES[_VALUES == 0].max())

# The definition of each task that the scores hold for, as the registry writes it.
AUDIO = (
    "danceability",
    "energy",
    "loudness",
    "speechiness",
    "acousticness",
    "instrumentalness",
    "liveness",
    "valence",
    "tempo",
    "duration_ms",
)
FORM = ("explicit", "is_single")
REST = ("explicit", "key", "mode", "time_signature", "is_single")
SONGS = {"excluded_genres": str(["sleep"]), "pair_keep_rule": "popularity desc, track_id asc"}
HIT_DEFINITION = json.dumps({"inputs": generator.INPUTS, "hit_cut": str(HIT)} | SONGS)
TIER_DEFINITION = json.dumps(
    {"inputs": (*AUDIO, *FORM, "genres"), "tier_cuts": str([*TIERS])} | SONGS
)
POPULARITY_DEFINITION = json.dumps({"inputs": (*AUDIO, *REST, "genres")} | SONGS)


def hit(truth: Columns) -> BestScore:
    """Return the ROC AUC of P(hit | danceability, energy, valence, tempo) over the trained rows."""
    trained = trained_songs(truth)
    label = truth["popularity"][trained] >= HIT
    best = roc_auc(label, hit_probability(truth))
    return BestScore("tracks", "hit", "roc_auc", best, len(label), HIT_DEFINITION)


def tier_accuracy(truth: Columns) -> BestScore:
    """Return the share of trained rows in the tier that is likeliest given audio and genres."""
    chance, label = tier_probability(truth), tier_label(truth)
    best = float(np.mean(chance.argmax(axis=1) == label))
    return BestScore("tracks", "tier", "accuracy", best, len(label), TIER_DEFINITION)


def tier_log_loss(truth: Columns) -> BestScore:
    """Return the mean of -ln P(own tier | audio, genres) over the trained rows."""
    chance, label = tier_probability(truth), tier_label(truth)
    best = float(-np.mean(np.log(chance[np.arange(len(label)), label])))
    return BestScore("tracks", "tier", "log_loss", best, len(label), TIER_DEFINITION)


def popularity(truth: Columns) -> BestScore:
    """Return the RMSE of E[popularity | all inputs] over the trained rows with a time signature.

    `explicit`, `key`, `mode`, `time_signature` and `is_single` are drawn independently of
    everything else.
    """
    trained = trained_songs(truth) & (truth["time_signature"] > 0)
    error = truth["popularity"][trained] - expected_popularity(truth, trained)
    return BestScore("tracks", "popularity", "rmse", rmse(error), len(error), POPULARITY_DEFINITION)


BEST_SCORES = (hit, tier_accuracy, tier_log_loss, popularity)


def trained_songs(truth: Columns) -> NDArray[np.bool_]:
    """Return which songs a model trains on: those with a tempo and a genre other than sleep."""
    return (truth["genre"] != generator.SLEEP) & (truth["tempo"] > 0)


def hit_probability(truth: Columns) -> NDArray[np.float64]:
    """Return P(hit | the four inputs) of every trained song (shape n)."""
    trained = trained_songs(truth)
    four = truth["scores"][trained, : len(generator.INPUTS)]
    others = generator.MEANS[:, len(generator.INPUTS) :] @ generator.OTHER_WEIGHTS
    mean = generator.sound(four)[:, None] + generator.GENRE_EFFECT + others
    spread = np.sqrt(
        (generator.WITHIN**2) * (generator.OTHER_WEIGHTS**2).sum()
        + generator.ARTIST_SD**2
        + generator.NOISE_SD**2
    )
    chance = ndtr((mean - generator.popularity_cut(HIT)) / spread)
    return (genre_posterior(four, songs_by_genre(truth, trained)) * chance).sum(axis=1)


def songs_by_genre(truth: Columns, trained: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the number of trained songs by primary genre (shape genres)."""
    return np.bincount(truth["genre"][trained], minlength=len(generator.GENRES))


def genre_posterior(four: NDArray[np.float64], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return P(genre | four input scores), shape (n, genres); `counts` are songs per genre."""
    means = generator.MEANS[:, : len(generator.INPUTS)]
    prior = np.log(counts, out=np.full(len(counts), -np.inf), where=counts > 0)
    fit = (four @ means.T - (means**2).sum(axis=1) / 2) / generator.WITHIN**2
    return softmax(fit + prior, axis=1)


def tier_label(truth: Columns) -> NDArray[np.int64]:
    """Return the tier of every trained song (shape n): 0 Flop, 1 Mid, 2 Hit, 3 Viral."""
    return np.searchsorted(TIERS, truth["popularity"][trained_songs(truth)], side="right")


def tier_probability(truth: Columns) -> NDArray[np.float64]:
    """Return P(tier | audio, genres) of every trained song, shape (n, 4)."""
    reached = np.array(list(_chances_to_reach(TIERS, truth, trained_songs(truth))))
    return -np.diff(reached, axis=0, prepend=1, append=0).T


def expected_popularity(truth: Columns, trained: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return E[popularity | audio, genres] of the trained songs (shape n).

    Popularity is a whole number, so it equals the number of cuts from 1 to 100 that it reaches.
    """
    return reduce(np.add, _chances_to_reach(range(1, 101), truth, trained))


def _chances_to_reach(
    cuts: Iterable[int], truth: Columns, trained: NDArray[np.bool_]
) -> Iterable[NDArray[np.float64]]:
    """Yield P(popularity >= cut | audio, genres) of the trained songs (shape n) for each cut."""
    song, genre, chance = primary_genres(truth, trained)
    # The score of instrumentalness has no weight, so the mean does not need it.
    mean = generator.latent_mean(genre, truth["scores"][trained][song])
    spread = np.hypot(generator.ARTIST_SD, generator.NOISE_SD)
    for cut in cuts:
        reached = ndtr((mean - generator.popularity_cut(cut)) / spread)
        yield np.asarray(np.bincount(song, chance * reached), dtype=np.float64)


def primary_genres(
    truth: Columns, trained: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return every possible primary genre of each trained song, with its probability.

    The candidates are the members of the song's genre set. The other members come from repeats,
    rows that each took a random track. A genre with more repeats is likelier a companion. So

        P(genre | set, audio) ~ songs with that primary genre / its repeats * P(audio | genre)

    The set has the same companions whichever genre is primary. The number of a song's tracks
    depends on its genre only by rounding. So nothing else distinguishes the candidates.

    Returns:
        Index of the song among the trained ones, in order; index of the genre; and
        P(genre | all inputs), which sums to one over a song (each of shape candidates).
    """
    song, genre = np.nonzero(truth["genres"][trained])
    repeats = np.zeros(len(generator.GENRES))
    repeats[truth["genre"]] = truth["repeats"]
    # A genre without repeats is never a companion.
    prior = songs_by_genre(truth, trained) / np.maximum(repeats, 1e-9)
    weight = prior[genre] * np.exp(_audio_fit(genre, truth["scores"][trained][song]))
    return song, genre, weight / np.bincount(song, weight)[song]


def _audio_fit(genre: NDArray[np.int64], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ln P(written audio | genre) (shape n), up to a constant for each song.

    A score enters with its density. If instrumentalness is 0, it is known only that its score is
    low.
    """
    means = generator.MEANS[genre]
    fit = -(((scores - means) / generator.WITHIN) ** 2) / 2
    zero = scores[:, VOICELESS] <= ZERO_UP_TO
    fit[zero, VOICELESS] = log_ndtr((ZERO_UP_TO - means[zero, VOICELESS]) / generator.WITHIN)
    return fit.sum(axis=1)
