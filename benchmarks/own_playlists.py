"""`python -m benchmarks own-playlists`: next-song models beside simple rules, on your slices.

The features are built once. For each further split, the playlists get other folds, and the tables
that follow from them are built again. All models see the same playlists and the same questions.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console

from benchmarks.next_song import ADVICE, MAKE_FEATURES, hyperparameters, tables
from benchmarks.warehouses import DATABASE, dbt
from hitparade.warehouse import opened
from models_py.bootstrap import Estimate
from models_py.next_song import baselines, net, protocol, training
from models_py.next_song.data import Catalog, Data, read
from models_py.next_song.evaluation import Outcome, Scores, evaluate
from models_py.next_song.rules import RULES

# These tables follow from the folds of the playlists.
AFTER_FOLDS = (
    *("run", "--select", "feat_next_song_tracks", "feat_next_song_entries"),
    *("feat_next_song", "feat_next_song_edges"),
)
METRICS = ("ndcg_10", "hit_rate_10")
SHOWN = (*METRICS, "mrr", "recall_200")
HYBRID = "hybrid"
# EASE holds two matrices of playlists by tracks, of 4 bytes a cell; beyond this it is left out.
MOST_CELLS = 500_000_000


def run(raw: Path, splits: int, seeds: int, console: Console | None = None) -> list[dict]:
    """Measure all models on several splits of the playlists in a folder of raw files.

    Args:
        raw: has slices, and perhaps a tracks file.
        splits: number of splits; the first is that of a build.
        seeds: number of hybrids in each split, from other initial weights.
        console: shows the progress; None shows nothing.

    Returns:
        A row for each model, with and without the sound of the tracks: the means of its metrics
        over all splits and seeds; and by how much the hybrid is better, with the bounds of its 95 %
        interval by paired bootstrap over playlists. EASE is left out if there is too much data.

    Raises:
        BenchError: dbt failed.
        TrainingError: the folder has too few playlists.
    """
    say = console or Console(quiet=True)
    found: dict[tuple[bool, str], list[Outcome]] = {}
    with tempfile.TemporaryDirectory(prefix="hitparade_bench_") as name, say.status("") as status:
        folder = Path(name)
        (folder / "raw").symlink_to(raw.resolve(), target_is_directory=True)
        status.update("building the features")
        dbt(folder, MAKE_FEATURES, ADVICE)
        for split in range(splits):
            if split:
                status.update(f"split {split + 1} of {splits}: building the features")
                _fold_anew(folder / DATABASE, split)
                dbt(folder, AFTER_FOLDS, ADVICE)
            data, owners = _read(folder / DATABASE)
            for has_sound in _sounds(data.catalog):
                status.update(f"split {split + 1} of {splits}: training and measuring")
                known = data if has_sound else replace(data, catalog=_without_sound(data.catalog))
                for model, outcome in _outcomes(known, seeds):
                    found.setdefault((has_sound, model), []).append(
                        Outcome(outcome.values, owners[outcome.owners])
                    )
    pooled = {key: _pooled(outcomes) for key, outcomes in found.items()}
    return [
        {"sound": "known" if has_sound else "not used", "model": model}
        | {metric: outcome.means()[metric] for metric in SHOWN}
        | _lead(pooled[has_sound, HYBRID], outcome)
        for (has_sound, model), outcome in pooled.items()
    ]


def _fold_anew(database: Path, split: int) -> None:
    """Give the playlists of a warehouse the folds of another split."""
    with opened(database, read_only=False) as connection:
        lists = connection.execute(
            "select playlist_id, list(track_uri order by position asc nulls last) "
            "from staging.stg_mpd__playlist_tracks group by playlist_id"
        ).fetchall()
        folds = [
            [
                protocol.fold(uris, salt=str(split)),
                protocol.fold(uris, 10, f"ranking {split}") == 0,
                playlist,
            ]
            for playlist, uris in lists
        ]
        connection.executemany(
            "update features.int_playlists set fold = ?, is_for_ranking = ? where playlist_id = ?",
            folds,
        )


def _read(database: Path) -> tuple[Data, np.ndarray]:
    """Return the features, and the numbers of the held-out playlists."""
    playlists, *others = tables(database)
    is_held_out = playlists["fold"].to_numpy() == protocol.HOLDOUT
    return read(playlists, *others), playlists["playlist_id"].to_numpy()[is_held_out]


def _sounds(catalog: Catalog) -> list[bool]:
    return [True, False] if catalog.has_sound.any() else [False]


def _without_sound(catalog: Catalog) -> Catalog:
    """Return the catalog as if there were no tracks file."""
    return replace(
        catalog,
        sound=np.zeros_like(catalog.sound),
        has_sound=np.zeros_like(catalog.has_sound),
    )


def _outcomes(data: Data, seeds: int) -> Iterator[tuple[str, Outcome]]:
    tracks, settings = len(data.catalog), hyperparameters()
    models: dict[str, Scores] = {
        "popularity": baselines.by_popularity(data.known, tracks),
        "vs_knn": baselines.by_sessions(data.known, tracks),
    }
    if len(data.known) * tracks <= MOST_CELLS:
        models["ease"] = baselines.by_ease(data.known, tracks)
    models |= {name: training.build(data, name, {})[0].scores for name in RULES}

    length = net.Settings(**settings["net"]).length

    def measured(scores: Scores) -> Outcome:
        return evaluate(scores, data.held_out, data.questions, length, tracks)

    for name, scores in models.items():
        yield name, measured(scores)
    hybrids = []
    for seed in range(seeds):
        own = {part: values | {"random_state": seed} for part, values in settings.items()}
        hybrids.append(measured(training.build(data, HYBRID, own)[0].scores))
    means = {name: np.mean([one.values[name] for one in hybrids], axis=0) for name in SHOWN}
    yield HYBRID, Outcome(means, hybrids[0].owners)


def _pooled(outcomes: list[Outcome]) -> Outcome:
    values = {name: np.concatenate([one.values[name] for one in outcomes]) for name in SHOWN}
    return Outcome(values, np.concatenate([one.owners for one in outcomes]))


def _lead(hybrid: Outcome, other: Outcome) -> dict[str, float | str]:
    found: dict[str, float | str] = {}
    for metric in METRICS:
        lead = Estimate.mean(hybrid.values[metric] - other.values[metric], other.owners)
        low, high = lead.interval()
        found[f"hybrid_leads_{metric}"] = f"{lead.value:.4f} ({low:.4f} to {high:.4f})"
    return found
