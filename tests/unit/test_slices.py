"""Which slices there are, and what is read of those that SQL cannot read."""

import codecs
import gzip
import json
import shutil
import zipfile
from pathlib import Path

import pytest

from hitparade import project
from hitparade.sources import raw, slices, snowflake
from tests.unit.test_raw import zipped


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """The folder of the user's files, in a project."""
    (tmp_path / project.FILE).write_text(f"on-run-start: ['{{{{ {project.MARK} }}}}']")
    monkeypatch.setenv("DBT_PROJECT_DIR", str(tmp_path))
    monkeypatch.setattr(project, "_root", None)
    monkeypatch.setenv("HITPARADE_RAW", str(tmp_path / "raw"))
    monkeypatch.setenv("HITPARADE_SAMPLE", "0")
    (tmp_path / "raw").mkdir()
    return tmp_path / "raw"


def of(*playlists) -> bytes:
    return json.dumps({"info": {}, "playlists": playlists}, ensure_ascii=False).encode()


TITLE = of({"pid": 1, "name": "é夜"})
READ = {
    "plain": TITLE,
    "gzip": gzip.compress(TITLE),
    "zip": zipped({"any.json": TITLE}),
    "byte order mark": codecs.BOM_UTF8 + TITLE,
    "two byte order marks": 2 * codecs.BOM_UTF8 + TITLE,
    "utf-16": TITLE.decode().encode("utf-16"),
    "utf-16 without a mark": TITLE.decode().encode("utf-16-le"),
    "utf-32": TITLE.decode().encode("utf-32"),
    "encoded twice": (codecs.BOM_UTF8 + of({"pid": 1, "name": "é"})).decode("cp1252").encode(),
}


@pytest.mark.parametrize("form", READ)
def test_a_slice_is_read_in_any_form(tmp_path, form):
    (tmp_path / "mpd.slice.0-9.json").write_bytes(READ[form])
    judged = slices.judged(tmp_path / "mpd.slice.0-9.json")
    name = "é" if form == "encoded twice" else "é夜"
    assert judged == {"rule": None, "reason": None, "playlists": [{"pid": 1, "name": name}]}


BROKEN = {
    "empty": b"",
    "blank": b" \n",
    "cut": TITLE[:-3],
    "binary": b"\x80\x81\0",
    "nan": b'{"playlists": [NaN]}',
    "too large": b'{"playlists": [1e999]}',
    "too deep": b'{"playlists": ' + b"[" * 100_000,
    "gzip, cut": gzip.compress(TITLE)[:-9],
    "list": b"[1]",
    "no list": b'{"playlists": {}}',
    "none": b'{"playlists": []}',
}


@pytest.mark.parametrize("form", BROKEN)
def test_a_slice_that_cannot_be_read_says_why(tmp_path, form):
    (tmp_path / "mpd.slice.0-9.json").write_bytes(BROKEN[form])
    rule = {"empty": "empty", "blank": "empty", "list": "no_playlists"}
    rule |= dict.fromkeys(("no list", "none"), "no_playlists")
    (found,) = snowflake.playlists(tmp_path / "mpd.slice.0-9.json")
    assert found["slice_rule"] == rule.get(form, "not_json")
    assert found["slice_reason"]


@pytest.mark.parametrize(
    ("bad", "shown"),
    [
        (b'{"pid": 2, "name": "\\ud83d"}', "\ufffd"),
        (b'{"pid": 2, "name": "\\udc4d \\ud83d"}', "\ufffd \ufffd"),
        (b'{"pid": 2, "name": "caf\xe9"}', "caf\ufffd"),
    ],
)
def test_text_that_is_not_unicode_costs_its_playlist(tmp_path, bad, shown):
    good = b'{"pid": 1, "name": "\\ud83d\\udc4d \\\\ud83d"}'
    (tmp_path / "a.json").write_bytes(b'{"playlists": [' + good + b", " + bad + b"]}")
    first, second = slices.judged(tmp_path / "a.json")["playlists"]
    assert first == {"pid": 1, "name": "\U0001f44d \\ud83d"}
    assert second == {"pid": 2, "name": shown, "not_unicode": True}


# Which slices there are


def listed() -> dict[str, Path]:
    return {row["slice"]: Path(row["path"]) for row in slices.unpacked().to_pylist()}


def test_packed_slices_are_read_where_they_stand_nowhere_else(folder):
    for name, content in {
        "b/mpd.slice.1.json": TITLE,
        "a/mpd.slice.1.json": TITLE,  # another file of that name is another file
        "mpd.slice.1.json.gz": gzip.compress(TITLE),
        "mpd.slice.2.json.gz": gzip.compress(TITLE),
        "MPD.Slice.3.JSON": TITLE,
        "mpd.slice.4.json.part": TITLE,
        "1.zip": zipped({"data/mpd.slice.2.json": TITLE, "data/mpd.slice.5.json": TITLE}),
        "2.zip": zipped({"data/mpd.slice.5.json": TITLE, "__MACOSX/mpd.slice.6.json": "x"}),
    }.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    names = ["1.zip/data/mpd.slice.5.json", "MPD.Slice.3.JSON", "a/mpd.slice.1.json"]
    assert list(listed()) == [*names, "b/mpd.slice.1.json", "mpd.slice.2.json.gz"]


def test_a_slice_of_a_zip_file_is_unpacked_once_and_forgotten_with_it(folder):
    (folder / "a.zip").write_bytes(zipped({"mpd.slice.1.json": TITLE}))
    (path,) = listed().values()
    assert path.read_bytes() == TITLE
    before = path.stat().st_mtime_ns
    assert listed() == {"a.zip/mpd.slice.1.json": path}
    assert path.stat().st_mtime_ns == before
    (folder / "a.zip").write_bytes(zipped({"mpd.slice.1.json": of({"pid": 2})}))
    (other,) = listed().values()
    assert other.read_bytes() == of({"pid": 2}) and not path.exists()
    shutil.rmtree(folder.parent / "target")
    assert listed() == {"a.zip/mpd.slice.1.json": other} and other.exists()
    (folder / "a.zip").unlink()
    assert listed() == {} and not other.exists()


def test_a_damaged_slice_of_a_zip_file_is_one_that_cannot_be_read(folder):
    packed = bytearray(zipped({"mpd.slice.1.json": TITLE, "mpd.slice.2.json": of({"pid": 2})}))
    packed[packed.index(b'"info"')] ^= 1
    (folder / "a.zip").write_bytes(packed)
    judged = [slices.judged(path) for path in listed().values()]
    assert [one["rule"] for one in judged] == ["not_json", None]


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_slice_in_a_zip_file_is_not_json(folder, method):
    with zipfile.ZipFile(folder / "a.zip", "w", method) as archive:
        archive.writestr("mpd.slice.1.json", of(*({"pid": pid} for pid in range(500))))
    data = bytearray((folder / "a.zip").read_bytes())
    data[60:80] = bytes(byte ^ 0x5A for byte in data[60:80])
    (folder / "a.zip").write_bytes(data)
    (path,) = listed().values()
    assert slices.judged(path)["rule"] == "not_json"


def test_a_zip_file_with_a_name_that_is_not_utf8_is_passed_over(folder):
    data = zipped({"é.txt": b"x"})
    (folder / "photos.zip").write_bytes(data.replace("é".encode(), b"\xc3("))
    (folder / "mpd.slice.1.json").write_bytes(TITLE)
    assert [Path(path).name for path in listed().values()] == ["mpd.slice.1.json"]
    assert raw.locate("tracks") == (None, "absent")


def test_a_slice_with_a_wrong_checksum_is_not_read(folder):
    """A changed letter leaves JSON."""
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("mpd.slice.1.json", of({"pid": 1, "name": "summer"}))
    data = (folder / "a.zip").read_bytes()
    (folder / "a.zip").write_bytes(data.replace(b"summer", b"simmer"))
    (path,) = listed().values()
    assert slices.judged(path)["rule"] == "not_json"
