"""Records of the raw files, for tests that change cells and check the outcome."""

import csv
import io
from pathlib import Path

CHART_FILE, TRACK_FILE = "spotify-2023.csv", "dataset.csv"

SONG = {
    "track_name": "Name",
    "artist(s)_name": "Artist",
    "artist_count": "1",
    "released_year": "2023",
    "released_month": "7",
    "released_day": "14",
    "in_spotify_playlists": "553",
    "in_spotify_charts": "147",
    "streams": "141381703",
    "in_apple_playlists": "43",
    "in_apple_charts": "263",
    "in_deezer_playlists": "45",
    "in_deezer_charts": "10",
    "in_shazam_charts": "826",
    "bpm": "125",
    "key": "B",
    "mode": "Major",
    "danceability_%": "80",
    "valence_%": "89",
    "energy_%": "83",
    "acousticness_%": "31",
    "instrumentalness_%": "0",
    "liveness_%": "8",
    "speechiness_%": "4",
}
TRACK = {
    "": "0",  # the file's row number: a column without a name
    "track_id": "id",
    "artists": "Artist",
    "album_name": "Album",
    "track_name": "Name",
    "popularity": "78",
    "duration_ms": "167693",
    "explicit": "False",
    "danceability": "0.654",
    "energy": "0.63",
    "key": "10",
    "loudness": "-4.644",
    "mode": "1",
    "speechiness": "0.0259",
    "acousticness": "0.153",
    "instrumentalness": "7.4e-06",
    "liveness": "0.111",
    "valence": "0.43",
    "tempo": "89.991",
    "time_signature": "4",
    "track_genre": "country",
}


def csv_text(rows: list[list[str]], delimiter: str = ",", newline: str = "\n") -> str:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=newline).writerows(rows)
    return text.getvalue()


def file_of(base: dict, changes: list[dict], **form: str) -> str:
    """A file with one record for each change of the base record."""
    return csv_text([list(base), *[list((base | change).values()) for change in changes]], **form)


def rewrite(path: Path, change) -> None:
    """Rewrite a CSV file with `change` applied to its rows (a list of dicts)."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    header = list(rows[0])
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, header)
        writer.writeheader()
        writer.writerows(change(rows))
