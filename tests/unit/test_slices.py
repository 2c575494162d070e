"""Which slices there are, and what is read of those that SQL cannot read."""

import codecs
import gzip
import json
import os
import shutil
import zipfile
from pathlib import Path

import duckdb
import jinja2
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
    assert judged == {
        "rule": None,
        "reason": None,
        "playlists": [{"pid": 1, "name": name}],
        "places": [0],
    }


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


# Lines of JSON


def lines_of(folder: Path, content: bytes, name: str = "feed.jsonl") -> dict[int, object]:
    """Return what is read of a file of JSON lines, by the index of its line."""
    (folder / name).write_bytes(content)
    judged = slices.judged(folder / name)
    assert (judged["rule"], judged["reason"]) == (None, None)
    return dict(zip(judged["places"], judged["playlists"], strict=True))


ONE, TWO = b'{"pid": 1}', b'{"pid": 2}'
BOTH = {0: {"pid": 1}, 1: {"pid": 2}}
LINES = {
    "line feeds": (ONE + b"\n" + TWO + b"\n", BOTH),
    "carriage returns": (ONE + b"\r\n" + TWO + b"\r\n", BOTH),
    "byte order mark": (codecs.BOM_UTF8 + ONE + b"\n" + TWO + b"\n", BOTH),
    "utf-16": ((ONE + b"\n" + TWO + b"\n").decode().encode("utf-16"), BOTH),
    "gzip": (gzip.compress(ONE + b"\n" + TWO + b"\n"), BOTH),
    "appended gzip": (gzip.compress(ONE + b"\n") + gzip.compress(TWO + b"\n"), BOTH),
    "no line feed at the end": (ONE + b"\n" + TWO, BOTH),
    "blank lines": (b"\n" + ONE + b"\n \r\n" + TWO + b"\n\n", {1: {"pid": 1}, 3: {"pid": 2}}),
    "nothing": (b"", {}),
    "only a line feed": (b"\n", {}),
    "a separator within a text": (
        '{"name": "a\u2028b\x85c"}\n'.encode(),
        {0: {"name": "a\u2028b\x85c"}},
    ),
    "broken lines": (
        b'{"pid": 1\n' + TWO + b'\n{"pid": NaN}\n' + b"[" * 100_000 + b"\n\xe9\n",
        {
            0: {"not_json": '{"pid": 1'},
            1: {"pid": 2},
            2: {"not_json": '{"pid": NaN}'},
            3: {"not_json": "[" * 100_000},
            4: {"not_json": "\ufffd"},
        },
    ),
    "no object": (b"7\nnull\n", {0: 7, 1: None}),
    "text that is not Unicode": (
        b'{"name": "caf\xe9"}\n',
        {0: {"name": "caf\ufffd", "not_unicode": True}},
    ),
}


@pytest.mark.parametrize("form", LINES)
def test_each_line_is_a_playlist(tmp_path, form):
    content, expected = LINES[form]
    assert lines_of(tmp_path, content) == expected


def test_a_line_may_be_huge(tmp_path):
    name = "x" * 50_000_000
    found = lines_of(tmp_path, json.dumps({"name": name}).encode() + b"\n" + TWO + b"\n")
    assert [*found] == [0, 1] and found[0]["name"] == name  # whose difference nobody would read


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_last_line_that_is_not_complete_waits(tmp_path, cut):
    """Half of a letter at its end does not make the file one of another encoding."""
    line = '{"n": "é"}'.encode()
    is_whole = cut == len(line)
    found = lines_of(tmp_path, TWO + b"\n" + line[:cut])
    assert found == ({0: {"pid": 2}, 1: {"n": "é"}} if is_whole else {0: {"pid": 2}})
    assert slices.has_unfinished_line(tmp_path / "feed.jsonl") != is_whole


@pytest.mark.parametrize("end", [b"7", b"[1]", b'"a"', b"nul", b"x", b"1e999"])
def test_only_an_object_is_known_to_be_complete_without_a_line_feed(tmp_path, end):
    assert lines_of(tmp_path, ONE + b"\n" + end) == {0: {"pid": 1}}


def test_a_file_of_lines_that_is_not_packed_whole_says_so(tmp_path):
    (tmp_path / "feed.jsonl.gz").write_bytes(gzip.compress(ONE + b"\n")[:-9])
    assert slices.judged(tmp_path / "feed.jsonl.gz")["rule"] == "not_json"
    assert not slices.has_unfinished_line(tmp_path / "feed.jsonl.gz")


def test_lines_are_loaded_into_snowflake_as_playlists(tmp_path):
    (tmp_path / "feed.ndjson").write_bytes(ONE + b"\n\n{\n" + b'{"pi')
    found = [
        (one["place"], one["content"]) for one in snowflake.playlists(tmp_path / "feed.ndjson")
    ]
    assert found == [(0, '{"pid": 1}'), (2, '{"not_json": "{"}')]


def test_files_of_lines_are_found_under_any_name_that_is_not_hidden(folder):
    for name in (
        *("feed.jsonl", "B.NDJSON", "a [1]*?{} 'ü'.jsonl", "day 1/feed.jsonl", "day 2/feed.jsonl"),
        *("feed.jsonl.gz", "day 3/feed.jsonl.gz"),  # the first stands there uncompressed
        *(".feed.jsonl", ".jsonl", "feed.jsonl.part", "feed.jsonl~", "feed.json", "feed.jsonlx"),
    ):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(gzip.compress(ONE) if name.endswith(".gz") else ONE)
    (folder / "1.zip").write_bytes(zipped({"feed.jsonl": ONE, "._feed.jsonl": b"x"}))
    names = ["1.zip/feed.jsonl", "B.NDJSON", "a [1]*?{} 'ü'.jsonl", "day 1/feed.jsonl"]
    assert list(listed()) == [*names, "day 2/feed.jsonl", "day 3/feed.jsonl.gz", "feed.jsonl"]
    assert {slices.judged(path)["places"][0] for path in listed().values()} == {0}


@pytest.mark.parametrize(
    "name",
    [
        *(
            "a.jsonl",
            "day/B.NDJSON",
            "a.jsonl.gz",
            "x.ndjson.GZ",
            "1.zip/a.jsonl",
            "mpd.slice.1.json",
        ),
        *(
            "mpd.slice.1.json.gz",
            "a.json",
            "a.jsonl.part",
            "ajsonl",
            "a.jsonlx",
            "a.jsonl/mpd.slice.1.json",
        ),
    ],
)
def test_sql_and_python_know_the_same_files_of_lines(name):
    macro = (project.root() / "dbt_project/macros/staging/is_json_lines.sql").read_text()
    condition = jinja2.Template(macro + "{{ is_json_lines(\"'" + name + "'\") }}").render()
    assert duckdb.sql(f"select {condition}").fetchall() == [(slices.has_lines(name),)]


def test_a_hidden_folder_is_not_read(folder):
    """rsync puts files together in one, which it removes."""
    for name in (".~tmp~", "day"):
        (folder / name).mkdir()
        (folder / name / "a.jsonl").write_text("{}\n")
    assert [one.name for one in slices.present(folder)] == ["day/a.jsonl"]


def test_the_files_of_a_folder_that_cannot_be_read_do_not_count_as_removed(folder, monkeypatch):
    (folder / "day").mkdir()
    scan = os.scandir

    def refused(path):
        if Path(path).name == "day":
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(PermissionError, match="day"):
        slices.present(folder)


def test_a_file_that_vanishes_while_files_are_listed_is_passed_over(folder, monkeypatch):
    for number in (1, 2):
        (folder / f"mpd.slice.{number}.json").write_bytes(TITLE)
    gone = slices.used(folder)
    (folder / "mpd.slice.1.json").unlink()
    monkeypatch.setattr(slices, "used", lambda _: gone)
    assert list(listed()) == ["mpd.slice.2.json"]
