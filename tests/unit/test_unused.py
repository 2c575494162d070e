"""Files in the folder of the raw files that nothing reads: each is named, with the next step."""

import gzip
import json
import os

import pytest
from rich.console import Console
from typer.testing import CliRunner

from hitparade.cli import app, summary
from hitparade.sources import raw, slices
from hitparade.sources.columns import SOURCES
from hitparade.sources.unused import unused
from tests.e2e.records import CHART_FILE, SONG, TRACK, TRACK_FILE, file_of
from tests.unit.test_raw import zipped

SONGS, TRACKS = file_of(SONG, [{}]), file_of(TRACK, [{}])
SLICE = json.dumps({"playlists": [{"pid": 1}]})


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of the user's files, with those that are read."""
    monkeypatch.setenv("HITPARADE_RAW", str(tmp_path))
    monkeypatch.setenv("HITPARADE_SAMPLE", "0")
    (tmp_path / CHART_FILE).write_text(SONGS)
    (tmp_path / "mpd.slice.0-9.json").write_text(SLICE)
    (tmp_path / ".gitkeep").touch()
    (tmp_path / "README.md").touch()
    return tmp_path


NOT_KNOWN = "it is no file that is known by its columns. hitparade reads spotify-2023.csv, "
UNUSED = {
    "spotify-2023 (1).csv": (
        SONGS,
        "it has the columns of spotify-2023.csv, but spotify-2023.csv is read: remove that one, "
        "and rename this to spotify-2023.csv",
    ),
    "tracks.csv": (TRACKS, "it has the columns of dataset.csv: rename it to dataset.csv, in "),
    "tracks [2].csv.gz": (gzip.compress(TRACKS.encode()), "rename it to dataset.csv.gz, in "),
    "more/dataset.csv": (TRACKS, "it has the columns of dataset.csv: move it to "),
    "archive.zip": (
        zipped({CHART_FILE: SONGS, TRACK_FILE: TRACKS}),
        "it has 2 files in it: unpack it, and keep those that are needed",
    ),
    "broken.zip": (b"PK\x03\x04", "the zip file is empty or damaged: download it again"),
    "other.csv": ("a,b\n1,2\n", NOT_KNOWN),
    "photo.png": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "is not a text file: save it as UTF-8 CSV. "),
    "dataset.csv.part": ("", "is empty: download it again, or remove it. "),
    "spotify-2023.csv.gz": (
        gzip.compress(SONGS.encode()),
        "spotify-2023.csv is read instead: remove one of the two",
    ),
    "mpd.slice.0-9.json.gz": (
        gzip.compress(SLICE.encode()),
        "a slice of the same name is read instead: remove one of the two",
    ),
}


@pytest.mark.parametrize("name", UNUSED)
def test_a_file_that_is_not_used_is_named_with_the_next_step(folder, name):
    content, said = UNUSED[name]
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    (sentence,) = unused()
    assert sentence.startswith(f"{name}: ")
    assert said in sentence


def test_nothing_is_said_of_files_that_are_used(folder):
    (folder / "Dataset.csv.zip").write_bytes(zipped({"any.csv": TRACKS}))
    (folder / "slices.zip").write_bytes(zipped({"data/mpd.slice.10-19.json": SLICE}))
    assert unused() == []
    assert raw.read("tracks").records.num_rows == 1
    assert slices.listed().num_rows == 2


def test_nothing_is_said_of_files_in_hidden_folders(folder):
    for name in (".~tmp~", "day/.cache"):
        (folder / name).mkdir(parents=True)
        (folder / name / "mpd.slice.0-9.json").write_text(SLICE)
        (folder / name / "feed.jsonl").write_text('{"pid": 2}\n')
    assert unused() == []


def test_a_slice_in_a_zip_file_that_stands_beside_it_is_named(folder):
    packed = {"data/mpd.slice.0-9.json": SLICE, "data/mpd.slice.10-19.json": SLICE}
    (folder / "slices.zip").write_bytes(zipped(packed))
    assert unused() == [
        "slices.zip/data/mpd.slice.0-9.json: a slice of the same name is read instead"
    ]


def test_a_line_that_is_not_complete_is_told(folder):
    (folder / "feed.jsonl").write_text('{"pid": 1}\n{"pi')
    assert unused() == ["feed.jsonl: its last line is not complete, and is read once it is"]
    (folder / "feed.jsonl").write_text('{"pid": 1}\n{"pid": 2}')
    assert unused() == []


def test_a_name_that_is_not_utf_8_is_told(folder):
    with open(os.fsencode(folder) + b"/mpd.slice.\xe9.json", "w") as file:
        file.write(SLICE)
    assert unused() == ["mpd.slice.\ufffd.json: its path is not UTF-8: rename it"]
    assert slices.listed().num_rows == 1


def test_the_doctor_names_them(folder, monkeypatch):
    monkeypatch.setenv("HITPARADE_DATABASE", str(folder / "new.duckdb"))
    (folder / "tracks.csv").write_text(TRACKS)
    said = CliRunner().invoke(app, ["doctor"]).output
    assert "not used: tracks.csv: it has the columns of dataset.csv: rename it" in said


@pytest.mark.parametrize("sign", ["?", "\\"])
def test_a_database_that_duckdb_cannot_write_is_refused(folder, monkeypatch, sign):
    monkeypatch.setenv("HITPARADE_DATABASE", str(folder / f"a{sign}b" / "songs.duckdb"))
    (folder / f"a{sign}b").mkdir()
    (folder / f"a{sign}b" / "songs.duckdb").touch()
    said = CliRunner().invoke(app, ["models"]).output
    assert f"it takes {sign} in a path for something else" in said


def test_every_source_that_people_give_may_be_named_in_any_case(folder):
    (folder / CHART_FILE).rename(folder / CHART_FILE.upper())
    assert raw.locate("chart_songs") == (folder / CHART_FILE.upper(), "real")
    assert SOURCES["chart_songs"].file == CHART_FILE


def test_the_summary_names_some_and_counts_the_others(folder, capsys):
    for number in range(12):
        (folder / f"[b]{number:02}.csv").write_text("a,b\n1,2\n")
    summary.show_unused(Console(width=500))
    said = capsys.readouterr().out
    assert said.count(NOT_KNOWN) == 10 and "  [b]09.csv: " in said
    assert "and 2 more: see `hitparade doctor`" in said
