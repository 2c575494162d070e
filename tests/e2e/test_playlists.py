"""Slices of playlists: flattened, checked, read once, and written as Parquet."""

import codecs
import gzip
import io
import json
import os
import shutil
import zipfile
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from hitparade.cli import app
from hitparade.sources import parquet
from tests.warehouse import Warehouse

pytestmark = pytest.mark.slow

FLAT = "+stg_mpd__playlists +stg_mpd__playlist_tracks stg_mpd__tracks stg_mpd__artists "
FLAT += "stg_mpd__albums +quarantine stg_raw__slices rpt_sources playlists_are_kept_or_quarantined"

TRACK = {
    "pos": 0,
    "artist_name": "Ada Baden",
    "track_uri": "spotify:track:a",
    "artist_uri": "spotify:artist:a",
    "track_name": "Ember",
    "album_uri": "spotify:album:a",
    "duration_ms": 200_000,
    "album_name": "Embers",
}
PLAYLIST = {
    "name": "Chill",
    "collaborative": "true",
    "pid": 7,
    "modified_at": 1_493_424_000,
    "num_tracks": 2,
    "num_albums": 1,
    "num_followers": 3,
    "tracks": [TRACK, TRACK | {"pos": 1}],
    "num_edits": 4,
    "duration_ms": 400_000,
    "num_artists": 1,
    "description": "calm",
}


def without(values: dict, name: str) -> dict:
    return {key: value for key, value in values.items() if key != name}


def text(*playlists) -> str:
    return json.dumps({"info": {}, "playlists": playlists}, indent=4)


def put(warehouse: Warehouse, name: str, content: str | bytes) -> Path:
    path = warehouse.raw / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def build(warehouse: Warehouse) -> None:
    warehouse.dbt("build", "--select", *FLAT.split(), "--indirect-selection", "cautious")


# What is kept


@pytest.fixture(scope="module")
def flat(tmp_path_factory) -> Warehouse:
    """A warehouse with one valid playlist among broken playlists, tracks and slices."""
    found = Warehouse(tmp_path_factory.mktemp("flat"))
    for name, content in SLICES.items():
        put(found, f"mpd.slice.{name}.json", content)
    playlists = [PLAYLIST, *(broken for broken, _ in PLAYLISTS.values())]
    tracks = [TRACK | {"pos": 2}, *(broken for broken, _ in TRACKS.values())]
    playlists.append(PLAYLIST | {"pid": 8, "tracks": tracks})
    put(found, "data/mpd.slice.0-999.json", text(*playlists))
    put(found, "mpd.slice.unfinished.json.part", "{")
    build(found)
    return found


NO_NUMBER = "'many', not a whole number"
COUNTS = ("num_tracks", "num_albums", "num_artists", "num_edits", "num_followers", "duration_ms")
PLAYLISTS = {
    "not an object": (7, "pid is '', not a whole number"),
    "null": (None, "pid is '', not a whole number"),
    "no pid": (without(PLAYLIST, "pid"), "pid is '', not a whole number"),
    "pid": (PLAYLIST | {"pid": "many"}, f"pid is {NO_NUMBER}"),
    "negative": (PLAYLIST | {"pid": -1}, "pid is -1, outside 0 to"),
    "collaborative": (PLAYLIST | {"pid": 10, "collaborative": "maybe"}, "neither true nor false"),
    "no tracks": (without(PLAYLIST | {"pid": 11}, "tracks"), "tracks is missing or not a list"),
    "tracks": (PLAYLIST | {"pid": 12, "tracks": {}}, "tracks is missing or not a list"),
    "date": (PLAYLIST | {"pid": 13, "modified_at": "many"}, f"modified_at is {NO_NUMBER}"),
    "duplicate": (PLAYLIST, "pid is 7, as of a playlist before it in data/mpd.slice.0-999.json"),
}
PLAYLISTS |= {
    name: (PLAYLIST | {"pid": 20 + place, name: "many"}, f"{name} is {NO_NUMBER}")
    for place, name in enumerate(COUNTS)
}
PLAYLISTS["surrogate"] = (PLAYLIST | {"pid": 40, "name": "\ud800 x"}, "a text in it is not Unicode")
TEXTS = ("track_uri", "track_name", "artist_uri", "artist_name", "album_uri", "album_name")
TRACKS = {
    "not an object": (7, "pos is '', not a whole number"),
    "null": (None, "pos is '', not a whole number"),
    "pos": (TRACK | {"pos": 1.5}, "pos is '1.5', not a whole number"),
    "negative pos": (TRACK | {"pos": -1}, "pos is -1, outside 0 to"),
    "duplicate pos": (TRACK | {"pos": 2}, "pos is 2, as of a track before it"),
    "duration": (TRACK | {"pos": 50, "duration_ms": "many"}, f"duration_ms is {NO_NUMBER}"),
    "long": (TRACK | {"pos": 51, "duration_ms": 10**9}, "duration_ms is 1000000000, outside 0"),
}
TRACKS |= {
    f"{kind} {name}": (changed | {"pos": 60 + 2 * place + blank}, f"{name} is blank")
    for place, name in enumerate(TEXTS)
    for blank, (kind, changed) in enumerate(
        {"no": without(TRACK, name), "blank": TRACK | {name: " "}}.items()
    )
}
TRACKS |= {
    kind: (
        TRACK | {"pos": 90 + place, "track_uri": f"spotify:{kind}:x", "artist_uri": ""},
        f"track_uri is 'spotify:{kind}:x', not a track of Spotify",
    )
    for place, kind in enumerate(("local", "episode"))
}
SLICES = {
    "cut": (text(PLAYLIST)[:-20], "the file is cut off, or not JSON: download it again"),
    "empty": ("", "the file is empty: download it again"),
    "binary": (b"\x80\x81\0", "the file is cut off, or not JSON: download it again"),
    "gzip": (gzip.compress(b"{}")[:-9], "the file is cut off, or not JSON: download it again"),
    "list": ("[1]", "the file has no list of playlists"),
    "object": ('{"playlists": {}}', "the file has no list of playlists"),
    "none": ('{"playlists": []}', "the file has no list of playlists"),
}
SLICE_REASONS = {name: reason for name, (_, reason) in SLICES.items()}
SLICES = {name: content for name, (content, _) in SLICES.items()}


def is_part(broken, content) -> bool:
    """Whether a playlist is what quarantine has of it, which may say more."""
    return content == broken or content == broken | {"not_unicode": True}


def quarantined(warehouse: Warehouse) -> dict[tuple[str, str], tuple[str, str]]:
    rows = warehouse.query(
        "select file, path, reason, content from staging.quarantine where source = 'playlists'"
    )
    return {(file, path): (reason, content) for file, path, reason, content in rows}


def test_valid_records_are_kept(flat):
    playlists = flat.query("from staging.stg_mpd__playlists order by playlist_id")
    assert [row[0] for row in playlists] == [7, 8]
    assert playlists[0][1:4] == ("Chill", "calm", True)
    assert str(playlists[0][4]) == "2017-04-29 00:00:00"
    assert playlists[0][5:] == (3, 4, "data/mpd.slice.0-999.json")
    tracks = flat.query("from staging.stg_mpd__playlist_tracks order by all")
    assert tracks == [
        (7, 0, "spotify:track:a"),
        (7, 1, "spotify:track:a"),
        (8, 2, "spotify:track:a"),
    ]
    assert flat.query("from staging.stg_mpd__tracks") == [
        ("spotify:track:a", "Ember", "spotify:artist:a", "spotify:album:a", 200_000)
    ]
    assert flat.query("from staging.stg_mpd__artists") == [("spotify:artist:a", "Ada Baden")]
    assert flat.query("from staging.stg_mpd__albums") == [
        ("spotify:album:a", "Embers", "spotify:artist:a")
    ]


@pytest.mark.parametrize("name", SLICES)
def test_an_unusable_slice_is_quarantined_with_the_reason(flat, name):
    found = quarantined(flat)
    assert found[f"mpd.slice.{name}.json", "$"] == (SLICE_REASONS[name], "")


@pytest.mark.parametrize("place", range(len(PLAYLISTS)), ids=list(PLAYLISTS))
def test_a_broken_playlist_is_quarantined_with_the_reason(flat, place):
    broken, reason = list(PLAYLISTS.values())[place]
    said, content = quarantined(flat)["data/mpd.slice.0-999.json", f"$.playlists[{place + 1}]"]
    assert reason in said
    if list(PLAYLISTS)[place] != "duplicate":
        written = json.loads(json.dumps(broken).replace("\\ud800", "\ufffd"))
        assert content == "" if broken is None else is_part(written, json.loads(content))


@pytest.mark.parametrize("place", range(len(TRACKS)), ids=list(TRACKS))
def test_a_broken_track_is_quarantined_with_the_reason(flat, place):
    path = f"$.playlists[{len(PLAYLISTS) + 1}].tracks[{place + 1}]"
    said, content = quarantined(flat)["data/mpd.slice.0-999.json", path]
    assert list(TRACKS.values())[place][1] in said
    assert content


def test_nothing_else_is_quarantined(flat):
    assert len(quarantined(flat)) == len(SLICES) + len(PLAYLISTS) + len(TRACKS)


def sources(warehouse: Warehouse) -> dict[str, tuple]:
    query = "select source, status, file, row_count, quarantined from rpt_sources"
    return {source: row for source, *row in warehouse.query(query)}


def test_the_sources_report_counts_unusable_slices(flat):
    status, file, playlists, rejected = sources(flat)["playlists"]
    assert (status, file) == ("real", f"{len(SLICES) + 1} slices, {len(SLICES)} broken")
    assert (playlists, rejected) == (2, len(SLICES) + len(PLAYLISTS) + len(TRACKS))


def test_the_quarantined_share_is_computed_per_kind_of_record(flat):
    """Slices, playlists and entries each have a share; the largest is reported."""
    kept = {"slices": 1, "playlists": 2, "entries": 3}
    broken = {"slices": len(SLICES), "playlists": len(PLAYLISTS), "entries": len(TRACKS)}
    shares = [broken[kind] / (broken[kind] + kept[kind]) for kind in kept]
    query = "select quarantined_share from rpt_sources where source = 'playlists'"
    assert flat.query(query)[0][0] == pytest.approx(max(shares))


# What is read in other forms


def packed(**files: str | bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def of(pid: int, **more) -> str:
    return text(PLAYLIST | {"pid": pid} | more)


ARCHIVE = {
    "data/mpd.slice.8.json": of(8),
    "data/mpd.slice.9.json": text(PLAYLIST | {"pid": 9}, PLAYLIST | {"pid": 90, "name": "\ud800"}),
    "data/mpd.slice.mark.json": of(2),  # stands beside the archive
    "README.md": "about",
}
# Each slice has one playlist that is kept; DuckDB would take these names for patterns.
FORMS = {
    "set [2]/mpd.slice.1.json": of(1),
    "set 2/mpd.slice.1.json": of(10),
    "mpd.slice.mark.json": codecs.BOM_UTF8 + of(2).encode(),
    "a*b?{c,d} 'e' 100% ü/mpd.slice.gz.json": gzip.compress(of(3).encode()),
    "mpd.slice.4.json.gz": gzip.compress(of(4).encode()),
    "mpd.slice.mark.json.gz": gzip.compress(of(2).encode()),  # stands beside it
    "mpd.slice.utf-16.json": of(5).encode("utf-16"),
    "mpd.slice.twice.json": codecs.BOM_UTF8.decode("cp1252").encode() + of(6).encode(),
    "mpd.slice.latin-1.json": json.dumps(
        {"playlists": [PLAYLIST | {"pid": 7}, PLAYLIST | {"pid": 70, "name": "caf\xe9"}]},
        ensure_ascii=False,
    ).encode("latin-1"),
    "archive [1].zip": packed(**ARCHIVE),
}


def test_slices_are_read_in_other_forms_and_from_any_folder(empty):
    for name, content in FORMS.items():
        put(empty, name, content)
    build(empty)
    found = empty.query("select playlist_id from staging.stg_mpd__playlists order by 1")
    assert [pid for (pid,) in found] == list(range(1, 11))
    rejected = {(file, path): reason for (file, path), (reason, _) in quarantined(empty).items()}
    reason = "a text in it is not Unicode: U+FFFD stands for what cannot be read"
    assert rejected == {
        ("archive [1].zip/data/mpd.slice.9.json", "$.playlists[1]"): reason,
        ("mpd.slice.latin-1.json", "$.playlists[1]"): reason,
    }


# What is read again


def test_only_new_and_changed_slices_are_read(empty):
    def playlist(pid: int, **more) -> str:
        return text(PLAYLIST | {"pid": pid} | more)

    first, second = (put(empty, f"mpd.slice.{n}.json", playlist(n)) for n in (1, 2))
    build(empty)
    before = first.stat()
    # A second read would refuse it.
    first.write_bytes(b"x" * before.st_size)
    os.utime(first, ns=(before.st_atime_ns, before.st_mtime_ns))
    put(empty, "mpd.slice.2.json", playlist(2, name="Loud"))
    put(empty, "mpd.slice.3.json", playlist(3))
    build(empty)
    titles = "select playlist_id, title from staging.stg_mpd__playlists order by 1"
    assert empty.query(titles) == [(1, "Chill"), (2, "Loud"), (3, "Chill")]
    second.unlink()
    build(empty)
    assert empty.query(titles) == [(1, "Chill"), (3, "Chill")]
    assert quarantined(empty) == {}


def test_a_duplicate_playlist_is_restored_when_the_first_slice_is_removed(empty):
    first = put(empty, "mpd.slice.1.json", text(PLAYLIST | {"name": "first"}))
    put(empty, "mpd.slice.2.json", text(PLAYLIST | {"name": "second"}))
    build(empty)
    titles = "select title from staging.stg_mpd__playlists"
    assert empty.query(titles) == [("first",)]
    first.unlink()
    build(empty)
    assert empty.query(titles) == [("second",)]


def test_without_slices_the_tables_are_empty(empty, small_sample):
    shutil.copy(small_sample / "dataset.csv", empty.environment()["HITPARADE_RAW"])
    build(empty)
    assert empty.query("select count(*) from staging.stg_mpd__playlists") == [(0,)]
    assert sources(empty)["playlists"] == ["absent", None, 0, 0]


# The sample


def test_tracks_of_the_sample_agree_with_the_tracks_file(warehouse):
    agree = warehouse.query(
        "select count(*), avg(cast(a.track_name = b.track_name and a.duration_ms = b.duration_ms "
        "and starts_with(b.artists, c.artist_name) as double)) from staging.stg_mpd__tracks a "
        "inner join dim_tracks b on a.track_uri = 'spotify:track:' || b.track_id "
        "inner join staging.stg_mpd__artists c using (artist_uri)"
    )
    assert agree[0][0] > 1_000
    assert agree[0][1] == 1


def test_playlists_of_the_sample_wind_down(warehouse):
    rows = warehouse.query(
        "select mean_energy, energy_standard_error from rpt_playlist_moods order by tenth"
    )
    assert len(rows) == 10
    assert rows[0][0] - rows[-1][0] > 5 * rows[0][1]


# Parquet


def test_the_flat_tables_are_written_as_parquet(warehouse, tmp_path):
    result = CliRunner().invoke(
        app,
        ["parquet", str(tmp_path / "out")],
        env={"HITPARADE_DATABASE": str(warehouse.database)},
    )
    assert result.exit_code == 0, result.output
    with duckdb.connect() as connection:
        for name in (*parquet.PARTITIONED, *parquet.WHOLE):
            files = (
                tmp_path
                / "out"
                / (f"{name}/*/*.parquet" if name in parquet.PARTITIONED else f"{name}.parquet")
            )
            ((found,),) = connection.execute(f"select count(*) from '{files}'").fetchall()
            ((count,),) = warehouse.query(f"select count(*) from staging.stg_mpd__{name}")
            assert found == count > 0
    again = CliRunner().invoke(
        app,
        ["parquet", str(tmp_path / "out")],
        env={"HITPARADE_DATABASE": str(warehouse.database)},
    )
    assert again.exit_code == 1
    assert "is not empty: name a new folder" in again.output.replace("\n", " ")
