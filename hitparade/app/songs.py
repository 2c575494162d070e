"""A song on the page: its inputs, their ranges, and songs pasted as JSON."""

import json
from dataclasses import dataclass
from typing import Any

from hitparade.app.generated.tasks import RANGES

Song = dict[str, Any]  # by NAMES: numbers, flags and a list of strings


@dataclass(frozen=True)
class Input:
    """A numeric input and its slider."""

    name: str
    label: str
    step: float
    help: str

    @property
    def low(self) -> float:
        """Return the left end of the slider."""
        return RANGES[self.name][0]

    @property
    def high(self) -> float:
        """Return the right end of the slider."""
        return RANGES[self.name][1]

    @property
    def is_whole(self) -> bool:
        """Return whether the slider moves in whole numbers."""
        return self.step >= 1


SLIDERS = [
    Input("danceability", "Danceability", 0.01, "How suitable for dancing, 0 to 1."),
    Input("energy", "Energy", 0.01, "How loud, fast and busy it feels, 0 to 1."),
    Input("valence", "Valence", 0.01, "How cheerful it sounds, 0 to 1."),
    Input("tempo", "Tempo, BPM", 0.5, "Beats per minute."),
    Input("loudness", "Loudness, dB", 0.5, "0 is the maximum of a file."),
    Input("acousticness", "Acousticness", 0.01, "How likely it is acoustic, 0 to 1."),
    Input("speechiness", "Speechiness", 0.01, "How much of it is speech, 0 to 1."),
    Input("instrumentalness", "Instrumentalness", 0.01, "How likely without vocals, 0 to 1."),
    Input("liveness", "Liveness", 0.01, "How likely it was recorded live, 0 to 1."),
    Input("duration_ms", "Length, ms", 1_000, "Length in milliseconds."),
    Input("key", "Key", 1, "0 is C, 1 is C sharp, up to 11."),
    Input("time_signature", "Beats in a bar", 1, "As estimated by Spotify."),
]
FLAGS = {
    "explicit": "The lyrics are marked explicit.",
    "mode": "Major if it is set, else minor.",
    "is_single": "The album has the name of the track.",
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


LARGEST = 1e15  # the functions do not answer for larger numbers


class SongError(ValueError):
    """The pasted text is not a song; the message says why."""


def parsed(text: str) -> tuple[Song, list[str]]:
    """Return the inputs in a JSON object, and the other names in it, which are ignored.

    Raises:
        SongError: the text is not a JSON object, has no input, or has a value of a wrong type.
    """
    try:
        given = json.loads(text)
    except json.JSONDecodeError as error:
        raise SongError(f"This is not JSON: {error.msg} in line {error.lineno}.") from error
    except (ValueError, RecursionError) as error:  # thousands of digits or of brackets
        raise SongError(f"This is not a song: {error}.") from error
    if not isinstance(given, dict):
        raise SongError('Give one object, such as {"energy": 0.8, "tempo": 124}.')
    unknown = sorted(set(given) - set(NAMES))
    if unknown and len(unknown) == len(given):
        raise SongError(f"No input is named {', '.join(unknown)}: use {', '.join(NAMES)}.")
    known = {name: _checked(name, value) for name, value in given.items() if name in NAMES}
    return known, unknown


def _checked(name: str, value: object) -> float | bool | list[str]:
    if name == "genres":
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise SongError('genres must be a list of strings, such as ["pop", "dance"].')
        return value
    if name in FLAGS:
        if value not in (True, False):
            raise SongError(f"{name} must be true or false, not {json.dumps(value)}.")
        return bool(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < LARGEST:
        raise SongError(f"{name} must be a number, not {json.dumps(value)}.")
    return value


def on_sliders(song: Song) -> Song:
    """Return a song with each number moved to the nearest value of its slider."""
    moved = dict(song)
    for one in SLIDERS:
        if one.name in moved:
            value = min(max(float(moved[one.name]), one.low), one.high)
            moved[one.name] = round(value) if one.is_whole else value
    return moved


def outside(song: Song) -> list[str]:
    """Return a sentence for each number of a song that its slider cannot show."""
    shown = on_sliders(song)
    return [
        f"{one.label} {song[one.name]:g} is taken as {shown[one.name]:g}."
        for one in SLIDERS
        if one.name in song and not one.low <= song[one.name] <= one.high
    ]


def missing(song: Song) -> list[str]:
    """Return a sentence for each input that a song lacks, with the value that stands in for it."""
    labels = {one.name: one.label for one in SLIDERS}
    return [
        f"{labels.get(name, name)} of this track is missing: {START[name]} is used."
        for name in NAMES
        if name not in song
    ]
