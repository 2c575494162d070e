"""The raw files that are tables: their names, their columns, and other names of these in copies."""

import re
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Source:
    """A raw file.

    Attributes:
        file: its name.
        columns: all columns that are read, in order.
        optional: the columns that a file may lack, each with the input of a model that is made
            from it; empty if no model needs it.
        aliases: other names of columns. The first that a file has is read.
        fractions: the columns of numbers with a decimal sign.
        wholes: the columns of whole numbers.
    """

    file: str
    columns: tuple[str, ...]
    optional: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, tuple[str, ...]] = field(default_factory=dict)
    fractions: tuple[str, ...] = ()
    wholes: tuple[str, ...] = ()

    @property
    def needed(self) -> tuple[str, ...]:
        """The columns that a file must have."""
        return tuple(name for name in self.columns if name not in self.optional)

    def places(self, header: list[str]) -> dict[str, int]:
        """Return the place of each column that a header has, by its name or an alias.

        Case, blanks and punctuation do not matter.
        """
        places: dict[str, int] = {}
        for place, name in reversed(list(enumerate(map(plain, header)))):
            places[name] = place
        found = {}
        for column in self.columns:
            names = [plain(name) for name in (column, *self.aliases.get(column, ()))]
            if known := [name for name in names if name in places]:
                found[column] = places[known[0]]
        return found

    def repeated(self, header: list[str]) -> list[str]:
        """Return the columns that a header names more than once."""
        names = list(map(plain, header))
        return [column for column in self.columns if names.count(plain(column)) > 1]


def plain(name: str) -> str:
    """Return the name of a column in lower case, with `_` for anything but letters and digits."""
    return re.sub(r"[^a-z0-9]+", "_", name.casefold()).strip("_")


_COUNTS = (
    "in_spotify_playlists",
    "in_spotify_charts",
    "in_apple_playlists",
    "in_apple_charts",
    "in_deezer_playlists",
    "in_deezer_charts",
    "in_shazam_charts",
)
_PERCENTS = (
    "danceability_%",
    "valence_%",
    "energy_%",
    "acousticness_%",
    "instrumentalness_%",
    "liveness_%",
    "speechiness_%",
)
_RELEASED = ("released_year", "released_month", "released_day")

SOURCES = {
    "chart_songs": Source(
        file="spotify-2023.csv",
        columns=(
            "track_name",
            "artist(s)_name",
            "artist_count",
            *_RELEASED,
            "streams",
            "bpm",
            "key",
            "mode",
            *_PERCENTS,
            *_COUNTS,
        ),
        optional={"artist_count": "artist_count", "key": "", "mode": "mode"}
        | dict.fromkeys(_RELEASED, "released_year")  # without one of the three there is no date
        | dict.fromkeys(_COUNTS, ""),
        aliases={
            "track_name": ("track", "song", "song_name", "title", "name"),
            "artist(s)_name": ("artists_name", "artist_name", "artists", "artist", "track_artist"),
            "released_year": ("release_year",),
            "released_month": ("release_month",),
            "released_day": ("release_day",),
            "streams": ("stream", "stream_count", "total_streams"),
            "bpm": ("beats_per_minute",),
        }
        | {name: (f"{name[:-1]}p", f"{name[:-1]}pct", f"{name[:-1]}percent") for name in _PERCENTS},
        wholes=("artist_count", *_RELEASED, "streams", "bpm", *_PERCENTS, *_COUNTS),
    ),
    "tracks": Source(
        file="dataset.csv",
        columns=(
            "track_id",
            "artists",
            "album_name",
            "track_name",
            "popularity",
            "duration_ms",
            "explicit",
            "danceability",
            "energy",
            "key",
            "loudness",
            "mode",
            "speechiness",
            "acousticness",
            "instrumentalness",
            "liveness",
            "valence",
            "tempo",
            "time_signature",
            "track_genre",
        ),
        optional={
            name: name
            for name in (
                "duration_ms",
                "explicit",
                "key",
                "loudness",
                "mode",
                "speechiness",
                "acousticness",
                "instrumentalness",
                "liveness",
                "time_signature",
            )
        }
        | {"track_genre": "genres"},
        aliases={
            "track_id": ("id", "spotify_id", "spotify_track_id"),
            "artists": (
                "artist",
                "artist_name",
                "artists_name",
                "artist(s)_name",
                "track_artist",
                "track_artists",
            ),
            "album_name": ("album", "track_album_name"),
            "track_name": ("track", "song", "song_name", "title", "name"),
            "popularity": ("track_popularity",),
            "duration_ms": ("track_duration_ms",),
            "explicit": ("is_explicit", "track_explicit"),
            "track_genre": ("genre", "playlist_genre"),
        },
        fractions=(
            "danceability",
            "energy",
            "loudness",
            "speechiness",
            "acousticness",
            "instrumentalness",
            "liveness",
            "valence",
            "tempo",
        ),
        wholes=("popularity", "duration_ms", "key", "mode", "time_signature"),
    ),
    # Best achievable scores on the sample, written by `hitparade sample` beside the other files.
    "ceilings": Source(
        file="ceilings.csv", columns=("source", "task", "metric", "ceiling", "rows", "definition")
    ),
}
