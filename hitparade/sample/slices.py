"""Write slices of playlists in the format of the Million Playlist Dataset.

The text equals that of `json.dump(..., indent=4)`. It is put together from prepared texts of the
tracks, which differ only in their position, and this takes a tenth of the time.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hitparade.sample.catalog import Catalog
from hitparade.sample.playlists import Playlists

SIZE = 1_000  # playlists of a slice
GENERATED = "2017-12-03 08:41:42.057563"
# First and last day of a playlist's last change, and the length of a day, in seconds.
FIRST_DAY, LAST_DAY, DAY = 1_270_080_000, 1_509_408_000, 86_400
DESCRIBED, COLLABORATIVE = 0.02, 0.023
HEAD = """                {
                    "pos": """
TAIL = """,
                    "artist_name": {artist_name},
                    "track_uri": {track_uri},
                    "artist_uri": {artist_uri},
                    "track_name": {track_name},
                    "album_uri": {album_uri},
                    "duration_ms": {duration_ms},
                    "album_name": {album_name}
                }}"""
SLICE = """{{
    "info": {{
        "generated_on": "{generated}",
        "slice": "{first}-{last}",
        "version": "v1"
    }},
    "playlists": [
{playlists}
    ]
}}"""


def write(
    path: Path,
    rng: np.random.Generator,
    catalog: Catalog,
    playlists: Playlists,
    titles: Sequence[str],
    first: int,
) -> Path:
    """Write a slice of playlists with titles, numbered from `first`."""
    texts = _track_texts(catalog, np.unique(np.concatenate(playlists.tracks)))
    entries = [
        _playlist(rng, catalog, texts, tracks, title, first + place)
        for place, (tracks, title) in enumerate(zip(playlists.tracks, titles, strict=True))
    ]
    last = first + SIZE - 1
    path.write_text(
        SLICE.format(generated=GENERATED, first=first, last=last, playlists=",\n".join(entries)),
        encoding="ascii",
    )
    return path


def _track_texts(catalog: Catalog, tracks: NDArray[np.int64]) -> dict[int, str]:
    """Return the text of each of these tracks in a slice, without its position."""
    artist, album = catalog.artist[tracks], catalog.album[tracks]
    columns = {
        "artist_name": [catalog.artist_names[one] for one in artist],
        "track_uri": catalog.uri[tracks].tolist(),
        "artist_uri": catalog.artist_uri[artist].tolist(),
        "track_name": catalog.name[tracks].tolist(),
        "album_uri": catalog.album_uri[album].tolist(),
        "duration_ms": catalog.duration_ms[tracks].tolist(),
        "album_name": [catalog.album_names[one] for one in album],
    }
    rows = zip(*(map(json.dumps, column) for column in columns.values()), strict=True)
    texts = (TAIL.format(**dict(zip(columns, row, strict=True))) for row in rows)
    return dict(zip(tracks.tolist(), texts, strict=True))


def _playlist(
    rng: np.random.Generator,
    catalog: Catalog,
    texts: dict[int, str],
    tracks: NDArray[np.int64],
    title: str,
    pid: int,
) -> str:
    fields = {
        "name": title,
        "collaborative": "true" if rng.random() < COLLABORATIVE else "false",
        "pid": pid,
        "modified_at": FIRST_DAY + DAY * int(rng.integers((LAST_DAY - FIRST_DAY) // DAY)),
        "num_tracks": len(tracks),
        "num_albums": len(np.unique(catalog.album[tracks])),
        "num_followers": int(rng.geometric(0.6)),
        "tracks": None,
        "num_edits": int(rng.integers(1, len(tracks) + 1)),
        "duration_ms": int(catalog.duration_ms[tracks].sum()),
        "num_artists": len(np.unique(catalog.artist[tracks])),
    }
    if rng.random() < DESCRIBED:
        fields["description"] = f"{title}, and more of it"
    return _object(fields, texts, tracks.tolist())


def _object(fields: dict, texts: dict[int, str], tracks: list[int]) -> str:
    entries = ",\n".join(f"{HEAD}{place}{texts[track]}" for place, track in enumerate(tracks))
    lines = [
        f'            "tracks": [\n{entries}\n            ]'
        if name == "tracks"
        else f'            "{name}": {json.dumps(value)}'
        for name, value in fields.items()
    ]
    return "        {\n" + ",\n".join(lines) + "\n        }"
