"""The raw files that are tables: their names, their columns, and other names of these in copies."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

Kind = Literal["text", "fraction", "whole"]


@dataclass(frozen=True)
class Column:
    """A column of a raw file.

    Attributes:
        name: its name in the published file.
        kind: text, numbers with a decimal sign, or whole numbers.
        feeds: the input of models that is made from the column, if a file may lack it; empty if
            no model needs it, None if every file must have it.
        aliases: other names. The first that a file has is read.
    """

    name: str
    kind: Kind = "text"
    feeds: str | None = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """A raw file.

    Attributes:
        file: its name.
        described: all columns that are read, in order.
    """

    file: str
    described: tuple[Column, ...]

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The names of all columns."""
        return tuple(column.name for column in self.described)

    @cached_property
    def needed(self) -> tuple[str, ...]:
        """The columns that a file must have."""
        return tuple(column.name for column in self.described if column.feeds is None)

    @cached_property
    def optional(self) -> dict[str, str]:
        """The columns that a file may lack, each with the input of models that it feeds."""
        return {one.name: one.feeds for one in self.described if one.feeds is not None}

    @cached_property
    def aliases(self) -> dict[str, tuple[str, ...]]:
        """Other names of the columns that have some."""
        return {column.name: column.aliases for column in self.described if column.aliases}

    @cached_property
    def fractions(self) -> tuple[str, ...]:
        """The columns of numbers with a decimal sign."""
        return self._of("fraction")

    @cached_property
    def wholes(self) -> tuple[str, ...]:
        """The columns of whole numbers."""
        return self._of("whole")

    def _of(self, kind: Kind) -> tuple[str, ...]:
        return tuple(column.name for column in self.described if column.kind == kind)

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


def _percent(name: str) -> Column:
    aliases = (f"{name}_p", f"{name}_pct", f"{name}_percent")
    return Column(f"{name}_%", "whole", aliases=aliases)


def _count(name: str) -> Column:
    return Column(name, "whole", feeds="")


def _date_part(name: str) -> Column:
    # Without one of the three there is no date.
    return Column(f"released_{name}", "whole", "released_year", (f"release_{name}",))


SOURCES = {
    "chart_songs": Source(
        "spotify-2023.csv",
        (
            Column("track_name", aliases=("track", "song", "song_name", "title", "name")),
            Column(
                "artist(s)_name",
                aliases=("artists_name", "artist_name", "artists", "artist", "track_artist"),
            ),
            Column("artist_count", "whole", feeds="artist_count"),
            *map(_date_part, ("year", "month", "day")),
            Column("streams", "whole", aliases=("stream", "stream_count", "total_streams")),
            Column("bpm", "whole", aliases=("beats_per_minute",)),
            Column("key", feeds=""),
            Column("mode", feeds="mode"),
            _percent("danceability"),
            _percent("valence"),
            _percent("energy"),
            _percent("acousticness"),
            _percent("instrumentalness"),
            _percent("liveness"),
            _percent("speechiness"),
            _count("in_spotify_playlists"),
            _count("in_spotify_charts"),
            _count("in_apple_playlists"),
            _count("in_apple_charts"),
            _count("in_deezer_playlists"),
            _count("in_deezer_charts"),
            _count("in_shazam_charts"),
        ),
    ),
    "tracks": Source(
        "dataset.csv",
        (
            Column("track_id", aliases=("id", "spotify_id", "spotify_track_id")),
            Column(
                "artists",
                aliases=(
                    *("artist", "artist_name", "artists_name", "artist(s)_name"),
                    *("track_artist", "track_artists"),
                ),
            ),
            Column("album_name", aliases=("album", "track_album_name")),
            Column("track_name", aliases=("track", "song", "song_name", "title", "name")),
            Column("popularity", "whole", aliases=("track_popularity",)),
            Column("duration_ms", "whole", "duration_ms", ("track_duration_ms",)),
            Column("explicit", feeds="explicit", aliases=("is_explicit", "track_explicit")),
            Column("danceability", "fraction"),
            Column("energy", "fraction"),
            Column("key", "whole", feeds="key"),
            Column("loudness", "fraction", feeds="loudness"),
            Column("mode", "whole", feeds="mode"),
            Column("speechiness", "fraction", feeds="speechiness"),
            Column("acousticness", "fraction", feeds="acousticness"),
            Column("instrumentalness", "fraction", feeds="instrumentalness"),
            Column("liveness", "fraction", feeds="liveness"),
            Column("valence", "fraction"),
            Column("tempo", "fraction"),
            Column("time_signature", "whole", feeds="time_signature"),
            Column("track_genre", feeds="genres", aliases=("genre", "playlist_genre")),
        ),
    ),
    # Best achievable scores on the sample, written by `hitparade sample` beside the other files.
    "ceilings": Source(
        "ceilings.csv",
        tuple(map(Column, ("source", "task", "metric", "ceiling", "rows", "definition"))),
    ),
}
