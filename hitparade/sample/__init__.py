"""Write a sample of the published files from a generator whose best achievable scores are known.

The files have the format, the marginal distributions and the defects of the real ones, so all code
that reads the real data also reads the sample. `ceilings.csv` has the best achievable scores.
"""

from collections.abc import Collection
from pathlib import Path

import numpy as np

from hitparade.sample import (
    catalog,
    chart_best_scores,
    charts,
    playlist_best_scores,
    slices,
    titles,
    track_best_scores,
    tracks,
)
from hitparade.sample import playlists as drawn
from hitparade.sample.best_scores import BestScore
from hitparade.sample.files import Columns, write

BEST_SCORES = {
    "chart_songs": chart_best_scores.BEST_SCORES,
    "tracks": track_best_scores.BEST_SCORES,
}
PARTS = (*BEST_SCORES, "playlists")
FEWEST = 2_000  # distinct tracks in the playlists of a small sample, by default
# The accepted sizes of a sample.
SIZES = {
    "songs": range(20, 100_001),
    "tracks": range(500, 200_001),
    "playlists": range(20, 1_000_001),
    "playlist_tracks": range(1_000, 3_000_001),
}


def write_sample(
    folder: Path,
    songs: int = 953,
    tracks: int = 12_000,
    playlists: int = 2_000,
    playlist_tracks: int | None = None,
    seed: int = 2023,
    *,
    only: Collection[str] = PARTS,
) -> list[Path]:
    """Write the files of a sample; equal arguments give equal bytes.

    They are spotify-2023.csv, dataset.csv, mpd.slice.*.json and ceilings.csv.

    Args:
        folder: where the files go; it is created if it does not exist.
        songs: data rows of spotify-2023.csv.
        tracks: data rows of dataset.csv.
        playlists: playlists in the slices, 1,000 each.
        playlist_tracks: about how many distinct tracks the playlists have, up to 40 percent of them
            from dataset.csv; by default as many for each playlist as the published ones have, and
            at least FEWEST.
        seed: seed of the random generator.
        only: the parts to write, out of "chart_songs", "tracks" and "playlists". A part does not
            depend on the others. ceilings.csv lists the tasks of the written parts.

    Returns:
        The paths written, ceilings.csv last.

    Raises:
        ValueError: a part is unknown or no part is given, a size or the seed is out of range, or
            the folder has slices of another sample.
    """
    sizes: dict[str, int | None] = {"songs": songs, "tracks": tracks, "playlists": playlists}
    _check(sizes | {"playlist_tracks": playlist_tracks}, seed, only)
    folder.mkdir(parents=True, exist_ok=True)
    paths, best = [], []
    for part, make, rows in (("chart_songs", _chart_songs, songs), ("tracks", _tracks, tracks)):
        if part in only:
            path, truth = make(folder, rows, seed)
            paths.append(path)
            best += [score(truth) for score in BEST_SCORES[part]]
    if "playlists" in only:
        found, scores = _slices(folder, tracks, playlists, playlist_tracks, seed)
        paths, best = [*paths, *found], [*best, *scores]
    return [*paths, _write_best_scores(folder, best)]


def _check(sizes: dict[str, int | None], seed: int, only: Collection[str]) -> None:
    if not only or not set(only) <= set(PARTS):
        raise ValueError(f"only={only!r} names no part of a sample: choose from {', '.join(PARTS)}")
    for name, rows in sizes.items():
        possible = SIZES[name]
        if rows is not None and rows not in possible:
            raise ValueError(
                f"{name}={rows} is out of range: ask for {possible[0]:,} to {possible[-1]:,}, "
                "enough for all defects and genres, and few enough for the invented names"
            )
    if seed < 0:
        raise ValueError(f"seed={seed} is negative: choose a whole number of at least 0")


def _chart_songs(folder: Path, songs: int, seed: int) -> tuple[Path, Columns]:
    raw, truth = charts.make(np.random.default_rng([seed, 1]), songs)
    path = folder / "spotify-2023.csv"
    return write(path, raw, encoding="utf-8-sig", newline="\r\n"), truth


def _tracks(folder: Path, rows: int, seed: int) -> tuple[Path, Columns]:
    raw, truth = tracks.make(np.random.default_rng([seed, 2]), rows)
    return write(folder / "dataset.csv", raw), truth


def _slices(
    folder: Path, rows: int, count: int, different: int | None, seed: int
) -> tuple[list[Path], list[BestScore]]:
    starts = range(0, count, slices.SIZE)
    names = [f"mpd.slice.{first}-{first + slices.SIZE - 1}.json" for first in starts]
    if others := {path.name for path in folder.glob("mpd.slice.*.json")} - set(names):
        raise ValueError(f"{folder} has other slices, {', '.join(sorted(others))}: remove them")
    table, _ = tracks.make(np.random.default_rng([seed, 2]), rows)
    different = different or max(catalog.default_count(count), FEWEST)
    known = catalog.make(np.random.default_rng([seed, 3]), table, different)
    paths, held_out = [], playlist_best_scores.HeldOut(known)
    for number, (first, name) in enumerate(zip(starts, names, strict=True)):
        rng = np.random.default_rng([seed, 4, number])
        playlists = drawn.draw(rng, known, min(slices.SIZE, count - first))
        titled = titles.draw(rng, known, playlists)
        held_out.add(playlists.tracks, titled.likelihood())
        paths.append(slices.write(folder / name, rng, known, playlists, titled.texts, first))
    return paths, held_out.best_scores()


def _write_best_scores(folder: Path, best: list[BestScore]) -> Path:
    # Six digits, because further digits differ between processors.
    rounded = [row._replace(ceiling=round(row.ceiling, 6)) for row in best]
    columns = zip(BestScore._fields, zip(*rounded, strict=True), strict=True)
    return write(folder / "ceilings.csv", {name: np.array(column) for name, column in columns})
