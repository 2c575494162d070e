"""A sample of the two published files, generated from a planted world whose best scores are known.

The files have the format, the marginals and the dirt of the real ones, so everything that reads
the real data reads the sample; `ceilings.csv` states how well a model can do on it.
"""

from collections.abc import Collection
from pathlib import Path

import numpy as np

from hitparade.sample import chart_ceilings, charts, track_ceilings, tracks
from hitparade.sample.ceilings import Ceiling
from hitparade.sample.files import Columns, write

CEILINGS = {"chart_songs": chart_ceilings.CEILINGS, "tracks": track_ceilings.CEILINGS}
PARTS = tuple(CEILINGS)
# Rows a part can have.
SONGS, TRACKS = range(20, 100_001), range(500, 200_001)


def write_sample(
    folder: Path,
    songs: int = 953,
    tracks: int = 12_000,
    seed: int = 2023,
    *,
    only: Collection[str] = PARTS,
) -> list[Path]:
    """Write spotify-2023.csv, dataset.csv and ceilings.csv; equal arguments give equal bytes.

    Args:
        folder: where the files go; it is made if need be.
        songs: data rows of spotify-2023.csv.
        tracks: data rows of dataset.csv.
        seed: which sample of the one planted world.
        only: the parts to write, of "chart_songs" and "tracks"; a part is the same alone as
            with the other, and ceilings.csv lists the tasks of the parts written.

    Returns:
        The paths written, ceilings.csv last.

    Raises:
        ValueError: an unknown part, none at all, or a size or seed out of range.
    """
    _check(songs, tracks, seed, only)
    folder.mkdir(parents=True, exist_ok=True)
    paths, best = [], []
    for part, make, rows in (("chart_songs", _chart_songs, songs), ("tracks", _tracks, tracks)):
        if part in only:
            path, truth = make(folder, rows, seed)
            paths.append(path)
            best += [ceiling(truth) for ceiling in CEILINGS[part]]
    return [*paths, _ceilings(folder, best)]


def _check(songs: int, tracks: int, seed: int, only: Collection[str]) -> None:
    if not only or not set(only) <= set(PARTS):
        raise ValueError(f"only={only!r} names no part of a sample: choose from {', '.join(PARTS)}")
    for name, rows, sizes in (("songs", songs, SONGS), ("tracks", tracks, TRACKS)):
        if rows not in sizes:
            raise ValueError(
                f"{name}={rows} is out of range: ask for {sizes[0]:,} to {sizes[-1]:,} rows, "
                "enough for all dirt and genres and few enough for the artist names"
            )
    if seed < 0:
        raise ValueError(f"seed={seed} is negative: choose a whole number from 0")


def _chart_songs(folder: Path, songs: int, seed: int) -> tuple[Path, Columns]:
    raw, truth = charts.make(np.random.default_rng([seed, 1]), songs)
    path = folder / "spotify-2023.csv"
    return write(path, raw, encoding="utf-8-sig", newline="\r\n"), truth


def _tracks(folder: Path, rows: int, seed: int) -> tuple[Path, Columns]:
    raw, truth = tracks.make(np.random.default_rng([seed, 2]), rows)
    return write(folder / "dataset.csv", raw), truth


def _ceilings(folder: Path, best: list[Ceiling]) -> Path:
    # Six digits: more would differ between processors.
    rounded = [row._replace(ceiling=round(row.ceiling, 6)) for row in best]
    columns = zip(Ceiling._fields, zip(*rounded, strict=True), strict=True)
    return write(folder / "ceilings.csv", {name: np.array(column) for name, column in columns})
