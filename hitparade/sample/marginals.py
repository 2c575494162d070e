"""Marginal distributions of the two published files, as quantile tables.

A table is a pair of arrays: probabilities and their quantiles, with linear interpolation between
them. The chart tables are measured on the 953 songs of "Top Spotify Songs 2023". The track tables
keep the published quartiles of the 114,000 rows of "Spotify Tracks Dataset". Their tails are set so
that mean and standard deviation match too.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

Table = tuple[NDArray[np.float64], NDArray[np.float64]]

GRID = (0, 0.01, 0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 0.99, 1)


def _grid(*values: float) -> Table:
    return np.array(GRID, dtype=float), np.array(values, dtype=float)


def _knots(*pairs: tuple[float, float]) -> Table:
    probabilities, values = np.array(pairs, dtype=float).T
    return probabilities, values


CHART_AUDIO: dict[str, Table] = {
    "bpm": _grid(65, 74, 81, 89, 100, 121, 140, 164, 174, 188, 206),
    "danceability_%": _grid(23, 31, 41, 46, 57, 69, 78, 84, 89, 93, 96),
    "valence_%": _grid(4, 7, 14, 20, 32, 51, 70, 83, 90, 96, 97),
    "energy_%": _grid(9, 24, 35, 42, 53, 66, 77, 85, 89, 94, 97),
    "acousticness_%": _grid(0, 0.1, 0.4, 1, 6, 18, 43, 71, 81, 92, 97),
    "instrumentalness_%": _knots((0, 0), (0.909, 0.5), (0.95, 5), (0.99, 49), (1, 91)),
    "liveness_%": _grid(3, 5, 6, 8, 10, 12, 24, 36, 44, 69, 97),
    "speechiness_%": _grid(2, 3, 3, 3, 4, 6, 11, 26, 33, 43, 64),
}

RELEASED_YEAR = _knots(
    (0, 1930), (0.01, 1958), (0.05, 1999), (0.10, 2012), (0.155, 2017), (0.193, 2019),
    (0.231, 2020), (0.270, 2021), (0.3945, 2022), (0.8164, 2023), (1, 2024),
)  # fmt: skip

# The knots at 1,000 put 79 of 953 values (Deezer) and 7 of 953 (Shazam) at or above it.
COUNTS: dict[str, Table] = {
    "in_spotify_playlists": _grid(
        31, 118, 268, 406, 875, 2224, 5542, 14088, 22267, 40649, 52898
    ),
    "in_spotify_charts": _knots(
        (0, 0), (0.425, 0.5), (0.5, 3), (0.75, 16), (0.9, 37), (0.95, 50), (0.99, 89), (1, 147)
    ),
    "in_apple_playlists": _grid(0, 0, 2, 5, 13, 34, 88, 180, 241, 397, 672),
    "in_apple_charts": _knots(
        (0, 0), (0.105, 0.5), (0.25, 7), (0.5, 38), (0.75, 87), (0.9, 119), (0.99, 207), (1, 275)
    ),
    "in_deezer_playlists": _knots(
        (0, 0), (0.05, 2), (0.25, 13), (0.5, 44), (0.75, 164), (0.9, 640), (874.5 / 953, 1000),
        (0.95, 2265), (0.99, 6529), (1, 12367),
    ),
    "in_deezer_charts": _knots(
        (0, 0), (0.586, 0.5), (0.75, 2), (0.9, 10), (0.95, 15), (0.99, 27), (1, 58)
    ),
    "in_shazam_charts": _knots(
        (0, 0), (0.36, 0.5), (0.5, 2), (0.75, 37), (0.9, 171), (0.95, 312), (946.5 / 953, 1000),
        (1, 1451),
    ),
}  # fmt: skip

TRACK_AUDIO: dict[str, Table] = {
    "danceability": _grid(
        0.05, 0.155, 0.263, 0.332, 0.456, 0.58, 0.695, 0.781, 0.826, 0.898, 0.985
    ),
    "energy": _grid(2e-5, 0.0466, 0.169, 0.272, 0.472, 0.685, 0.854, 0.946, 0.978, 0.998, 1),
    "valence": _grid(1e-5, 0.0444, 0.0725, 0.119, 0.26, 0.464, 0.683, 0.838, 0.903, 0.949, 0.995),
    "tempo": _grid(30.2, 68.4, 79.2, 84.6, 99.2, 122, 140.1, 163, 172, 188, 243.4),
    "loudness": _grid(
        -49.5, -23.5, -16.3, -13.6, -10.013, -7.004, -5.003, -3.93, -3.39, -2.32, 4.53
    ),
    "speechiness": _grid(
        0.0221, 0.0255, 0.0285, 0.0305, 0.0359, 0.0489, 0.0845, 0.155, 0.246, 0.54, 0.965
    ),
    "acousticness": _knots(
        (0, 0), (0.01, 1e-5), (0.05, 0.0002), (0.1, 0.001), (0.25, 0.0169), (0.375, 0.065),
        (0.5, 0.169), (0.625, 0.345), (0.75, 0.598), (0.9, 0.88), (0.95, 0.945), (0.99, 0.99),
        (1, 0.996),
    ),
    "liveness": _knots(
        (0, 0.009), (0.01, 0.035), (0.05, 0.06), (0.1, 0.075), (0.25, 0.098), (0.5, 0.132),
        (0.625, 0.18), (0.75, 0.273), (0.9, 0.43), (0.95, 0.67), (0.99, 0.93), (1, 1),
    ),
    "duration_ms": _knots(
        (0, 30000), (0.01, 60000), (0.05, 112000), (0.1, 137000), (0.25, 174066), (0.5, 212906),
        (0.75, 261506), (0.9, 325000), (0.95, 376000), (0.99, 515000), (0.999, 850000),
        (1, 3000000),
    ),
    "instrumentalness": _knots(
        (0, 0), (0.34, 0), (0.3401, 1e-6), (0.5, 3e-5), (0.65, 0.002), (0.75, 0.042),
        (0.8, 0.3), (0.9, 0.84), (0.95, 0.9), (0.99, 0.96), (1, 1),
    ),
}  # fmt: skip

# Popularity of songs, a little above that of rows, because reissues are less popular.
POPULARITY = _knots(
    (0, 0), (0.115, 1), (0.18, 8), (0.25, 24), (0.5, 37.5), (0.75, 50.7), (0.8625, 60),
    (0.947, 70), (0.988, 80), (0.9985, 88), (1, 101),
)  # fmt: skip


def value_at(table: Table, probability: ArrayLike) -> NDArray[np.float64]:
    """Return the quantiles of a table at probabilities in [0, 1], in the shape given."""
    return np.interp(np.asarray(probability), *table)


def value_of(table: Table, score: ArrayLike) -> NDArray[np.float64]:
    """Return the values of normal scores: quantile(Phi(score)), a Gaussian copula."""
    return value_at(table, ndtr(score))


def by_rank(table: Table, score: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return integer counts that follow a table exactly, ranked as the scores (shape n)."""
    rank = np.argsort(np.argsort(score, kind="stable"), kind="stable")
    return np.floor(value_at(table, (rank + 0.5) / len(score))).astype(np.int64)


def scaled(count: int, published: int, rows: int) -> int:
    """Return `count` scaled from `published` rows to `rows`, at least one."""
    return max(1, round(count * rows / published))


def even(total: int, parts: int) -> NDArray[np.int64]:
    """Split `total` into `parts` whole numbers that differ by one at most (shape parts)."""
    return total // parts + (np.arange(parts) < total % parts)
