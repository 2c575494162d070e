"""Write slices of playlists in the format of the Million Playlist Dataset.

The text equals that of `json.dump(..., indent=4)`. It is put together from prepared texts of the
tracks, which differ only in their position, and this takes a tenth of the time.
"""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hitparade.sample.catalog import Catalog
from hitparade.sample.playlists import Playlists

SIZE = 1_000  # playlists of a slice
GENERATED = "2017-12-03 08:41:42.057563"
# First and last day of a playlist's last change, and the length of a day, in seconds.
FIRST_DAY, LAST_DAY, DAY = 1_270_080_000, 1_509_408_000, 86_400
# Titles hint at a playlist's first mood, its era and its direction.
BY_MOOD = (
    ("sleep", "rainy day", "slow"),
    ("chill", "study", "coffee"),
    ("road trip", "good vibes", "weekend"),
    ("party", "dance", "summer"),
    ("workout", "gym", "pump up"),
)
BY_ERA = (("70s", "oldies"), ("80s", "retro"), ("90s", "throwback"), ("new", "fresh"))
BY_DIRECTION = (("wind down", "evening"), ("all day", "on repeat"), ("warm up", "rising"))
ANY = ("my playlist", "songs", "favorites", "music", "random", "stuff", "mix")
TELLING, ERA_TOLD, DIRECTION_TOLD = 0.75, 0.5, 0.25
SPELLINGS = (str, str.title, str.upper, "{} :)".format)
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


def track_texts(catalog: Catalog) -> list[str]:
    """Return the text of each track in a slice, without its position."""
    columns = {
        "artist_name": [catalog.artist_names[artist] for artist in catalog.artist],
        "track_uri": catalog.uri.tolist(),
        "artist_uri": catalog.artist_uri[catalog.artist].tolist(),
        "track_name": catalog.name.tolist(),
        "album_uri": catalog.album_uri[catalog.album].tolist(),
        "duration_ms": catalog.duration_ms.tolist(),
        "album_name": [catalog.album_names[album] for album in catalog.album],
    }
    rows = zip(*(map(json.dumps, column) for column in columns.values()), strict=True)
    return [TAIL.format(**dict(zip(columns, row, strict=True))) for row in rows]


def write(
    path: Path,
    rng: np.random.Generator,
    catalog: Catalog,
    texts: list[str],
    playlists: Playlists,
    first: int,
) -> Path:
    """Write a slice of playlists, numbered from `first`."""
    entries = [
        _playlist(rng, catalog, texts, playlists, place, first + place)
        for place in range(len(playlists))
    ]
    last = first + SIZE - 1
    path.write_text(
        SLICE.format(generated=GENERATED, first=first, last=last, playlists=",\n".join(entries)),
        encoding="ascii",
    )
    return path


def _playlist(
    rng: np.random.Generator,
    catalog: Catalog,
    texts: list[str],
    playlists: Playlists,
    place: int,
    pid: int,
) -> str:
    tracks = playlists.tracks[place]
    title = _title(rng, playlists.mood[place], playlists.era[place], playlists.direction[place])
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
    return _object(fields, texts, tracks)


def _object(fields: dict, texts: list[str], tracks: NDArray[np.int64]) -> str:
    entries = ",\n".join(f"{HEAD}{place}{texts[track]}" for place, track in enumerate(tracks))
    lines = [
        f'            "tracks": [\n{entries}\n            ]'
        if name == "tracks"
        else f'            "{name}": {json.dumps(value)}'
        for name, value in fields.items()
    ]
    return "        {\n" + ",\n".join(lines) + "\n        }"


def _title(rng: np.random.Generator, mood: int, era: int, direction: int) -> str:
    words = [ANY[rng.integers(len(ANY))]]
    if rng.random() < TELLING:
        words = [BY_MOOD[mood][rng.integers(3)]]
        if rng.random() < ERA_TOLD:
            words.insert(0, BY_ERA[era][rng.integers(2)])
        if rng.random() < DIRECTION_TOLD:
            words.append(BY_DIRECTION[direction][rng.integers(2)])
    return SPELLINGS[rng.integers(len(SPELLINGS))](" ".join(words))
