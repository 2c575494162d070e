"""Tiny playlist data that a model learns in seconds."""

import numpy as np
import pyarrow as pa
import pytest

from models_py.next_song.data import read

TRACKS, PLAYLISTS = 40, 300
SOUND = ("danceability", "energy")


def uri(track: int) -> str:
    return f"spotify:track:{track:02}"


@pytest.fixture(scope="session")
def tables() -> list[pa.Table]:
    """Two moods of 20 tracks each; a playlist has one mood and mostly goes on to the next track.

    The titles name the mood. Track 39 is only in held-out playlists.
    """
    rng = np.random.default_rng(0)
    tracks, titles, folds = [], [], []
    for playlist in range(PLAYLISTS):
        mood, fold = playlist % 2, playlist % 5
        allowed = np.arange(20) + 20 * mood
        if fold:
            allowed = allowed[allowed < 39]
        played = [int(rng.choice(allowed))]
        while len(played) < 12:
            following = played[-1] + 1
            if rng.random() > 0.8 or following not in allowed or following in played:
                following = int(rng.choice(np.setdiff1d(allowed, played)))
            played.append(following)
        tracks.append(played)
        titles.append(["calm", f"number{playlist}"] if mood else ["party"])
        folds.append(fold)
    is_for_ranking = [playlist % 7 == 1 for playlist in range(PLAYLISTS)]
    playlists = pa.table(
        {
            "playlist_id": np.arange(PLAYLISTS),
            "fold": np.array(folds, dtype=np.int32),
            "is_for_ranking": is_for_ranking,
            "title_words": titles,
            "track_numbers": tracks,
        }
    )
    mood = np.arange(TRACKS) // 20
    catalog = pa.table(
        {
            "track_number": np.arange(TRACKS, dtype=np.int32),
            "track_uri": [uri(track) for track in range(TRACKS)],
            "artist_uri": [f"spotify:artist:{track // 4}" for track in range(TRACKS)],
            "album_uri": [f"spotify:album:{track // 2}" for track in range(TRACKS)],
            # The second half of the tracks of a mood are other versions of the first half.
            "song": [f"song {track // 20} {track % 10}" for track in range(TRACKS)],
            "play_count": np.zeros(TRACKS, dtype=np.int64),
            # The first track of each mood has no features.
            "danceability": pa.array(np.where(np.arange(TRACKS) % 20, mood, np.nan)),
            "energy": pa.array(np.where(np.arange(TRACKS) % 20, 1.0 - mood, np.nan)),
        }
    )
    return [playlists, catalog, edges(tracks, folds, is_for_ranking)]


def edges(tracks: list[list[int]], folds: list[int], is_for_ranking: list[bool]) -> pa.Table:
    """Count edges like `feat_next_song_edges`, pair by pair."""
    found: dict[tuple[int, int], np.ndarray] = {}
    for played, fold, is_left_out in zip(tracks, folds, is_for_ranking, strict=True):
        if not fold:
            continue
        for place, track in enumerate(played):
            for step, other in enumerate(played[place + 1 : place + 11], 1):
                forth = np.array([step == 1, 1 / step, 1.0])
                for pair, weights in (((track, other), forth), ((other, track), [0, 0, 1.0])):
                    both = np.concatenate([weights, np.multiply(weights, not is_left_out)])
                    found[pair] = found.get(pair, 0) + both
    pairs, counts = sorted(found), np.array([found[pair] for pair in sorted(found)])
    names = [f"{part}{name}" for part in ("", "fit_") for name in ("follows", "near", "together")]
    columns = dict(zip(names, counts.T, strict=True))
    for part, first in (("", 0), ("fit_", 3)):
        columns[f"{part}strength"] = counts[:, first : first + 3] @ [1, 1, 0.1]
    before, after = np.array(pairs, dtype=np.int32).T
    return pa.table({"track_number": before, "neighbour_number": after} | columns)


@pytest.fixture(scope="session")
def data(tables):
    return read(*tables)
