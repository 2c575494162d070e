"""A song as a person gives it: the inputs, their ranges, and songs pasted as JSON."""

import json
from dataclasses import dataclass
from typing import Any

Song = dict[str, Any]  # by NAMES: numbers, flags and a list of texts


@dataclass(frozen=True)
class Input:
    """A number of a song, as a slider shows it; ranges are those of Spotify's files."""

    name: str
    label: str
    low: float
    high: float
    step: float
    help: str

    @property
    def is_whole(self) -> bool:
        """True for a number without digits."""
        return self.step >= 1


SLIDERS = [
    Input("danceability", "Danceability", 0, 1, 0.01, "How fit for dancing, 0 to 1."),
    Input("energy", "Energy", 0, 1, 0.01, "How loud, fast and busy it feels, 0 to 1."),
    Input("valence", "Valence", 0, 1, 0.01, "How cheerful, 0 to 1."),
    Input("tempo", "Tempo, BPM", 40, 220, 0.5, "Beats a minute."),
    Input("loudness", "Loudness, dB", -60, 0, 0.5, "0 is as loud as a file can be."),
    Input("acousticness", "Acousticness", 0, 1, 0.01, "How surely without electricity, 0 to 1."),
    Input("speechiness", "Speechiness", 0, 1, 0.01, "How much spoken word, 0 to 1."),
    Input("instrumentalness", "Instrumentalness", 0, 1, 0.01, "How surely without vocals, 0 to 1."),
    Input("liveness", "Liveness", 0, 1, 0.01, "How surely before an audience, 0 to 1."),
    Input("duration_ms", "Length, ms", 30_000, 600_000, 1_000, "Length in milliseconds."),
    Input("key", "Key", 0, 11, 1, "0 is C, 1 is C sharp, up to 11."),
    Input("time_signature", "Beats in a bar", 1, 5, 1, "As Spotify hears them."),
]
FLAGS = {
    "explicit": "The lyrics are marked explicit.",
    "mode": "Major; minor where it is not set.",
    "is_single": "The album is named like the track.",
}
NAMES = [one.name for one in SLIDERS] + [*FLAGS, "genres"]
START: Song = {
    "danceability": 0.71,
    "energy": 0.83,
    "valence": 0.52,
    "tempo": 124.0,
    "loudness": -5.0,
    "acousticness": 0.08,
    "speechiness": 0.05,
    "instrumentalness": 0.0,
    "liveness": 0.12,
    "duration_ms": 205_000,
    "key": 5,
    "time_signature": 4,
    "explicit": False,
    "mode": True,
    "is_single": True,
    "genres": ["pop"],
}


LARGEST = 1e15  # beyond which the functions have no answer


class SongError(ValueError):
    """A text that is no song; the message says what is wrong with it."""


def parsed(text: str) -> Song:
    """Return the inputs that a JSON object has.

    Raises:
        SongError: no JSON, no object, an unknown name or a value of another kind.
    """
    try:
        given = json.loads(text)
    except json.JSONDecodeError as error:
        raise SongError(f"This is no JSON: {error.msg} in line {error.lineno}.") from error
    except (ValueError, RecursionError) as error:  # thousands of digits, or of brackets
        raise SongError(f"This is no song: {error}.") from error
    if not isinstance(given, dict):
        raise SongError('Give one object, such as {"energy": 0.8, "tempo": 124}.')
    unknown = sorted(set(given) - set(NAMES))
    if unknown:
        raise SongError(f"No input is named {', '.join(unknown)}: use {', '.join(NAMES)}.")
    return {name: _checked(name, value) for name, value in given.items()}


def _checked(name: str, value: object) -> float | bool | list[str]:
    if name == "genres":
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise SongError('genres is a list of texts, such as ["pop", "dance"].')
        return value
    if name in FLAGS:
        if value not in (True, False):
            raise SongError(f"{name} is true or false, not {json.dumps(value)}.")
        return bool(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < LARGEST:
        raise SongError(f"{name} is a number, not {json.dumps(value)}.")
    return value


def on_sliders(song: Song) -> Song:
    """Return a song with each number where its slider has a place for it."""
    moved = dict(song)
    for one in SLIDERS:
        if one.name in moved:
            value = min(max(float(moved[one.name]), one.low), one.high)
            moved[one.name] = round(value) if one.is_whole else value
    return moved


def outside(song: Song) -> list[str]:
    """Say which numbers of a song no slider reaches."""
    shown = on_sliders(song)
    return [
        f"{one.label} {song[one.name]:g} is taken as {shown[one.name]:g}."
        for one in SLIDERS
        if one.name in song and not one.low <= song[one.name] <= one.high
    ]
