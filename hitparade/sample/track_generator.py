"""The generator's rules for tracks: how genre, sound, artist and chance determine popularity.

Every song has one primary genre. Given the genre, the normal scores of its audio features are
independent Gaussians: the mean depends on genre and feature, the standard deviation is WITHIN.
The latent popularity z adds

    genre effect + sound(four scores) + weights . (other scores) + artist effect + noise

and is Gaussian given the genre and the four scores, so every expectation that a best achievable
score needs has a closed form. All numbers here are constants: they do not depend on the seed.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from hitparade.sample.marginals import POPULARITY

CALM = str.split(
    "acoustic ambient children chill classical disney folk gospel guitar honky-tonk jazz kids "
    "mandopop new-age opera piano romance sad show-tunes singer-songwriter sleep songwriter study "
    "tango bluegrass"
)
MIDDLE = str.split(
    "afrobeat alternative anime blues brazil british cantopop comedy country dancehall disco dub "
    "electro electronic forro french funk garage german groove hip-hop idm indian indie indie-pop "
    "iranian j-idol j-pop k-pop latin latino malay mpb pagode pop pop-film power-pop psych-rock "
    "r-n-b reggae reggaeton rock rock-n-roll rockabilly salsa samba sertanejo ska soul spanish "
    "swedish synth-pop trip-hop turkish world-music"
)
LOUD = str.split(
    "alt-rock black-metal breakbeat chicago-house club dance death-metal deep-house "
    "detroit-techno drum-and-bass dubstep edm emo goth grindcore grunge happy hard-rock hardcore "
    "hardstyle heavy-metal house industrial j-dance j-rock metal metalcore minimal-techno party "
    "progressive-house punk punk-rock techno trance"
)
GENRES = sorted(CALM + MIDDLE + LOUD)
SLEEP = GENRES.index("sleep")

INPUTS = ("danceability", "energy", "valence", "tempo")
# Instrumentalness is zero for a third of the rows, which hides its score, so it has no weight.
WEIGHTS = {
    "loudness": 0.20,
    "speechiness": -0.15,
    "acousticness": -0.15,
    "liveness": -0.12,
    "duration_ms": -0.10,
    "instrumentalness": 0.0,
}
FEATURES = (*INPUTS, *WEIGHTS)

# Correlation of a feature's mean with the loudness of its genre.
LOADINGS = np.array([0.1, 0.9, 0.0, 0.4, 0.9, 0.1, -0.9, 0.2, 0.0, -0.1])
BETWEEN, WITHIN = 0.6, 0.8  # standard deviations between and within genres; squares sum to one
GENRE_SD, ARTIST_SD, NOISE_SD = 0.50, 0.30, 0.60
Z_MEAN, Z_SD = 0.395, 0.980  # of the latent popularity, measured on 5 million draws


def _normal_scores(values: NDArray[np.float64]) -> NDArray[np.float64]:
    rank = np.argsort(np.argsort(values, axis=0), axis=0)
    return ndtri((rank + 0.5) / len(values))


def _genre_means() -> NDArray[np.float64]:
    rng = np.random.default_rng(114)
    level = np.array([(g in LOUD) - (g in CALM) for g in GENRES], dtype=float)
    level = _normal_scores(level + 0.4 * rng.normal(size=len(GENRES)))
    own = rng.normal(size=(len(GENRES), len(FEATURES)))
    mixed = level[:, None] * LOADINGS + own * np.sqrt(1 - LOADINGS**2)
    return BETWEEN * _normal_scores(mixed)


def _genre_effect() -> NDArray[np.float64]:
    # Depends on the genre's danceability, so that the four inputs carry information about it.
    own = np.random.default_rng(115).normal(size=len(GENRES))
    return GENRE_SD * _normal_scores(0.7 * MEANS[:, 0] / BETWEEN + own)


MEANS = _genre_means()  # shape (genre, feature)
GENRE_EFFECT = _genre_effect()
OTHER_WEIGHTS = np.array(list(WEIGHTS.values()))


def sound(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what the four input scores (shape n, 4) add to the latent popularity (shape n).

    It is nonlinear on purpose: there is a best tempo, danceability and valence interact, and energy
    saturates.
    """
    dance, energy, valence, tempo = scores.T
    best_tempo = 0.7 * np.exp(-((tempo - 0.2) ** 2))
    return best_tempo + 0.20 * dance * valence + 0.15 * np.tanh(2 * energy)


def latent_mean(genre: NDArray[np.int64], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return E[z | genre, all scores] for genre indices (shape n) and scores (shape n, 10)."""
    four, other = scores[:, : len(INPUTS)], scores[:, len(INPUTS) :]
    return GENRE_EFFECT[genre] + sound(four) + other @ OTHER_WEIGHTS


def popularity_cut(points: int) -> float:
    """Return the latent popularity from which popularity is at least `points`."""
    probabilities, values = POPULARITY
    return float(Z_MEAN + Z_SD * ndtri(np.interp(points, values, probabilities)))
