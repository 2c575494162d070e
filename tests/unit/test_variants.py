"""The published files in the forms in which people have them: what is kept, quarantined, refused.

The raw files are read as in a build, and their records judged by the staging models' own SQL, which
dbt compiled. Where the published files are absent, those of the sample stand in.
"""

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet
import pytest

from hitparade.sources import raw
from hitparade.sources.columns import SOURCES
from tests import shared
from tests.conftest import REAL_FILES
from tests.warehouse import Warehouse

pytestmark = pytest.mark.slow

FILES = {"chart_songs": "spotify-2023.csv", "tracks": "dataset-6-genres.csv"}
BASES = {source: f"base_kaggle__{source}" for source in FILES}
TRACKS = 300  # of the tracks file, so that each variant takes a moment
Rows = list[list[str]]


@dataclass(frozen=True)
class Judged:
    """Rows that are kept, without their line, and rules that the others broke, by line."""

    kept: list[dict]
    rules: dict[int, str]
    notes: tuple[str, ...]


@pytest.fixture(scope="module")
def sql() -> dict[str, str]:
    """The SQL of the models that judge the records of a source."""
    made = shared.once("staging_sql", compile_staging)
    nodes = json.loads((made / "target" / "manifest.json").read_text())["nodes"]
    return {s: nodes[f"model.hitparade.{base}"]["compiled_code"] for s, base in BASES.items()}


def compile_staging(folder: Path) -> None:
    warehouse = Warehouse(folder)
    warehouse.raw.mkdir()
    (warehouse.raw / "mpd.slice.0-0.json").touch()  # dbt asks for a source, but not which
    warehouse.dbt("compile", "--select", *BASES.values())


@pytest.fixture(scope="module")
def published(request) -> dict[str, Rows]:
    """Header and rows of each source."""
    folder = REAL_FILES
    if not (REAL_FILES / FILES["chart_songs"]).is_file():
        folder = request.getfixturevalue("sample_with_playlists")
    found = {}
    for source, name in FILES.items():
        file = folder / (name if folder == REAL_FILES else SOURCES[source].file)
        with file.open(newline="", encoding="utf-8-sig") as opened:
            rows = list(csv.reader(opened))
            found[source] = rows[: 1 + TRACKS] if source == "tracks" else rows
    return found


@pytest.fixture(scope="module")
def judge(sql, tmp_path_factory) -> Iterator[Callable[[str, str, bytes], Judged]]:
    """Read a source from a file of this name and content."""
    folder = tmp_path_factory.mktemp("raw")

    def judged(source: str, name: str, data: bytes) -> Judged:
        for old in folder.iterdir():
            old.unlink()
        (folder / name).write_bytes(data)
        found = raw.read(source)
        with duckdb.connect() as connection:
            connection.execute("attach ':memory:' as warehouse; create schema warehouse.raw")
            records = found.records
            connection.register("records", records)
            connection.execute(f"create table warehouse.raw.{source} as from records")
            rows = connection.sql(sql[source]).to_arrow_table().to_pylist()
        lines = [row.pop("line_number") for row in rows]
        assert lines == sorted(set(lines))
        rules = {n: row["rule"] for n, row in zip(lines, rows, strict=True) if row["rule"]}
        left = ("rule", "reason", "content", "unusable_counts")
        kept = [{k: v for k, v in row.items() if k not in left} for row in rows if not row["rule"]]
        assert len(kept) + len(rules) == found.records.num_rows
        return Judged(kept, rules, found.notes)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HITPARADE_RAW", str(folder))
        patch.setenv("HITPARADE_SAMPLE", "0")
        yield judged


@pytest.fixture(scope="module")
def plain(published, judge) -> dict[str, Judged]:
    """What becomes of the files as they are published."""
    return {
        source: judge(source, SOURCES[source].file, text(rows).encode("utf-8-sig"))
        for source, rows in published.items()
    }


def text(rows: Rows, delimiter: str = ",", newline: str = "\n", quoting: int = 0) -> str:
    """A CSV file of these rows."""
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=delimiter, lineterminator=newline, quoting=quoting).writerows(rows)
    return file.getvalue()


def zipped(**files: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def changed(rows: Rows, columns: tuple[str, ...], change: Callable[[str], str]) -> Rows:
    """Rows with the cells of these columns changed."""
    places = {rows[0].index(name) for name in columns if name in rows[0]}
    return [
        rows[0],
        *[[change(c) if i in places else c for i, c in enumerate(row)] for row in rows[1:]],
    ]


def exchanged(source: str, rows: Rows) -> Rows:
    """With a decimal comma, and a point between thousands."""
    described = SOURCES[source]
    signs = str.maketrans(",.", ".,")
    numbers = described.fractions + described.wholes
    return changed(rows, numbers, lambda cell: cell.translate(signs))


def european(source: str, rows: Rows) -> str:
    """As Excel writes it where the decimal sign is a comma."""
    words = {"True": "WAHR", "False": "FALSCH"}
    rows = changed(exchanged(source, rows), ("explicit",), lambda cell: words.get(cell, cell))
    return text(rows, ";", "\r\n")


def with_header(rows: Rows, change: Callable[[str], str]) -> str:
    return text([[change(name) for name in rows[0]], *rows[1:]])


ALIASES = {
    "artist(s)_name": "artist_name",
    "danceability_%": "danceability",
    "energy_%": "energy_p",
    "valence_%": "Valence Percent",
    "artists": "track_artist",
    "popularity": "track_popularity",
    "track_genre": "genre",
    "album_name": "track_album_name",
}


def without(rows: Rows, *names: str) -> Rows:
    places = [i for i, name in enumerate(rows[0]) if name not in names]
    return [[row[i] for i in places] for row in rows]


def whole_as_exponent(cell: str) -> str:
    if not cell.isdigit() or cell == "0" or len(cell) > 9:
        return cell
    return f"{cell[0]}.{cell[1:]}E+{len(cell) - 1:02}"


def typed(source: str, rows: Rows) -> pa.Table:
    """With numbers and booleans in their own types, as pandas writes them."""
    described, table = SOURCES[source], {}
    for place, name in enumerate(rows[0]):
        cells = [row[place] for row in rows[1:]]
        if name in described.fractions:
            table[name] = pa.array([float(cell) for cell in cells])
        elif name in described.wholes and all(cell.isdigit() for cell in cells):
            table[name] = pa.array([int(cell) for cell in cells])
        elif name == "explicit":
            table[name] = pa.array([cell == "True" for cell in cells])
        else:
            table[name or "column0"] = pa.array([cell or None for cell in cells])
    return pa.table(table)


def parquet(table: pa.Table) -> bytes:
    file = pa.BufferOutputStream()
    pa.parquet.write_table(table, file)
    return file.getvalue().to_pybytes()


def strings(rows: Rows) -> pa.Table:
    columns = zip(*rows[1:], strict=True)
    return pa.table({n: pa.array(c) for n, c in zip(rows[0], columns, strict=True) if n})


# Variants from which the same rows are kept: name -> (file name by that of the source, content).
Form = tuple[Callable[[str], str], Callable[[str, Rows], bytes | str]]
as_named = str


def form(content: Callable[[str, Rows], bytes | str], name: Callable[[str], str] = as_named):
    return name, content


WHOLES = {source: SOURCES[source].wholes for source in FILES}
SAME: dict[str, Form] = {
    "utf-8": form(lambda s, r: text(r)),
    "byte order mark": form(lambda s, r: text(r).encode("utf-8-sig")),
    "two byte order marks": form(lambda s, r: "\ufeff\ufeff" + text(r)),
    "encoded twice": form(lambda s, r: twice("\ufeff" + text(r))),
    "only the mark encoded twice": form(lambda s, r: twice("\ufeff") + text(r).encode()),
    "utf-16": form(lambda s, r: text(r).encode("utf-16")),
    "utf-16, big end first": form(lambda s, r: ("\ufeff" + text(r)).encode("utf-16-be")),
    "utf-16 without a mark": form(lambda s, r: text(r).encode("utf-16-le")),
    "CRLF": form(lambda s, r: text(r, newline="\r\n")),
    "CR": form(lambda s, r: text(r, newline="\r")),
    "no last line end": form(lambda s, r: text(r).rstrip("\n")),
    "blank lines": form(lambda s, r: text(r).replace("\n", "\n\n")),
    "semicolon": form(lambda s, r: text(r, ";")),
    "tab": form(lambda s, r: text(r, "\t")),
    "bar": form(lambda s, r: text(r, "|")),
    "sep=;": form(lambda s, r: "sep=;\n" + text(r, ";")),
    "sep=,": form(lambda s, r: "sep=,\r\n" + text(r, newline="\r\n")),
    "sep=^": form(lambda s, r: '"sep=^"\n' + text(r, "^")),
    "all quoted": form(lambda s, r: text(r, quoting=csv.QUOTE_ALL)),
    "decimal comma": form(lambda s, r: text(exchanged(s, r))),
    "decimal comma and semicolon": form(lambda s, r: text(exchanged(s, r), ";")),
    "decimal comma and tab": form(lambda s, r: text(exchanged(s, r), "\t")),
    "European Excel": form(lambda s, r: european(s, r).encode("utf-8-sig")),
    "European Excel, sep=;": form(lambda s, r: "sep=;\r\n" + european(s, r)),
    "European Excel, utf-16": form(lambda s, r: european(s, r).encode("utf-16")),
    "upper case": form(lambda s, r: with_header(r, str.upper)),
    "blanks in names": form(lambda s, r: with_header(r, lambda n: f" {n.replace('_', ' ')} ")),
    "aliases": form(lambda s, r: with_header(r, lambda n: ALIASES.get(n, n))),
    "columns backwards": form(lambda s, r: text([row[::-1] for row in r])),
    "another column": form(lambda s, r: text([["url", *r[0]], *[["x", *c] for c in r[1:]]])),
    "whole numbers of pandas": form(
        lambda s, r: text(changed(r, WHOLES[s], lambda c: f"{c}.0" if c.isdigit() else c))
    ),
    "whole numbers with an exponent": form(
        lambda s, r: text(changed(r, WHOLES[s], whole_as_exponent))
    ),
    "explicit as TRUE": form(lambda s, r: text(changed(r, ("explicit",), str.upper))),
    "explicit as 1": form(
        lambda s, r: text(changed(r, ("explicit",), lambda c: str(int(c == "True"))))
    ),
    "explicit as yes": form(
        lambda s, r: text(changed(r, ("explicit",), lambda c: "yes" if c == "True" else "no"))
    ),
    "csv.gz": form(lambda s, r: gzip.compress(text(r).encode()), lambda name: f"{name}.gz"),
    "gzip named csv": form(lambda s, r: gzip.compress(text(r).encode())),
    "csv.zip": form(lambda s, r: zipped(any=text(r)), lambda name: f"{name}.zip"),
    "zip": form(lambda s, r: zipped(any=text(r)), lambda name: f"{name[:-4]}.zip"),
    "archive.zip": form(
        lambda s, r: zipped(**{f"data/{SOURCES[s].file}": text(r), "__MACOSX/._x": "x"}),
        lambda name: "archive [2].zip",
    ),
    "parquet of texts": form(lambda s, r: parquet(strings(r)), lambda n: f"{n[:-4]}.parquet"),
    "parquet": form(lambda s, r: parquet(typed(s, r)), lambda name: f"{name[:-4]}.parquet"),
    "parquet named csv": form(lambda s, r: parquet(typed(s, r))),
    "name in upper case": form(lambda s, r: text(r), str.upper),
}


def twice(content: str) -> bytes:
    """UTF-8 that a program took for Windows-1252 and wrote as UTF-8."""
    misread = "".join(
        bytes([byte]).decode("latin-1" if byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D) else "cp1252")
        for byte in content.encode()
    )
    return misread.encode()


@pytest.mark.parametrize("source", FILES)
@pytest.mark.parametrize("variant", SAME)
def test_the_same_rows_are_kept_of_every_form(judge, plain, published, source, variant):
    name, content = SAME[variant]
    made = content(source, published[source])
    data = made.encode() if isinstance(made, str) else made
    found = judge(source, name(SOURCES[source].file), data)
    assert found.kept == plain[source].kept
    assert sorted(found.rules.values()) == sorted(plain[source].rules.values())


def test_of_the_published_files_one_row_is_quarantined(plain):
    counts = {source: (len(found.kept), len(found.rules)) for source, found in plain.items()}
    if (REAL_FILES / FILES["chart_songs"]).is_file():
        assert counts == {"chart_songs": (952, 1), "tracks": (TRACKS, 0)}
    assert all(kept > 100 and lost <= 1 for kept, lost in counts.values())


# Damage to line 51 of a file, or to the lines that are named: the rules that these lines break


def at(change: Callable[[str], str], line: int = 51) -> Callable[[list[str]], list[str]]:
    return lambda lines: [change(x) if i == line - 1 else x for i, x in enumerate(lines)]


DAMAGED: dict[str, tuple[Callable[[list[str]], list[str]], dict[int, str]]] = {
    "a quote opens": (at(lambda line: '"' + line), {51: "quotes"}),
    "a quote opens later": (at(lambda line: line.replace(",", ',"', 1)), {51: "quotes"}),
    "a quote opens in the last cell": (
        at(lambda line: ',"'.join(line.rsplit(",", 1))),
        {51: "quotes"},
    ),
    "a quote opens in the last line": (at(lambda line: '"' + line, 101), {101: "quotes"}),
    "a quote within text": (at(lambda line: f'"{line[:3]}" {line[3:]}'), {51: "quotes"}),
    "quotes open in two lines": (
        lambda lines: at(lambda line: '"' + line, 54)(at(lambda line: '"' + line)(lines)),
        {51: "quotes", 54: "quotes"},
    ),
    "quotes open in two lines that follow": (
        lambda lines: at(lambda line: '"' + line, 52)(at(lambda line: '"' + line)(lines)),
        {51: "quotes", 52: "quotes"},
    ),
    "a line is cut": (at(lambda line: line[: len(line) // 2]), {51: "number_of_cells"}),
    "a line is cut in a quote": (at(lambda line: '"' + line[:9], 51), {51: "quotes"}),
    "the last line is cut": (at(lambda line: line[:9], 101), {101: "number_of_cells"}),
    "a cell too many": (at(lambda line: line + ",more"), {51: "number_of_cells"}),
    "a byte that is not UTF-8": (at(lambda line: "\udce9" + line), {51: "not_utf8"}),
    "the file is cut in a character": (
        at(lambda line: line[:9] + "\udcc3", 101),
        {101: "not_utf8"},
    ),
}


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
@pytest.mark.parametrize("source", FILES)
@pytest.mark.parametrize("damage", DAMAGED)
def test_a_broken_line_loses_only_itself(judge, published, source, damage, quoting):
    # Without quotes of their own, so that each damage means the same in all of them.
    rows = [[cell.replace('"', "'") for cell in row] for row in published[source][:101]]
    rows[1] = changed([rows[0], rows[1]], ("track_name",), lambda _: "Ünïcödé, ÿ")[1]
    before = judge(source, SOURCES[source].file, text(rows, quoting=quoting).encode())
    assert not before.rules
    change, rules = DAMAGED[damage]
    lines = change(text(rows, quoting=quoting).splitlines())
    data = "\n".join(lines).encode("utf-8", "surrogateescape")
    found = judge(source, SOURCES[source].file, data)
    assert found.rules.keys() == rules.keys()
    if quoting == csv.QUOTE_MINIMAL:
        assert found.rules == rules
    lost = [before.kept[line - 2] for line in rules]
    assert found.kept == [row for row in before.kept if row not in lost]


@pytest.mark.parametrize("name", ["two\nlines", "two\nlines, one song", "a\n\nb", '7"\nb'])
def test_a_cell_of_several_lines_is_not_broken(judge, published, name):
    rows = changed(published["chart_songs"][:20], ("track_name",), lambda _: name)
    found = judge("chart_songs", SOURCES["chart_songs"].file, text(rows).encode())
    assert [row["track_name"] for row in found.kept] == [name] * 19


# Columns that a file lacks, or that have text in place of a number


@pytest.mark.parametrize(
    ("source", "lacking", "said"),
    [
        ("tracks", "explicit", "tier, popularity, song_optimization"),
        ("tracks", "time_signature", "popularity, song_optimization"),
        ("tracks", "instrumentalness", "tier, popularity, song_optimization"),
        ("tracks", "track_genre", "tier, popularity, song_optimization"),
        ("chart_songs", "mode", "log_streams_context"),
        ("chart_songs", "released_day", "log_streams_context"),
        ("chart_songs", "in_shazam_charts", ""),
    ],
)
def test_a_column_that_only_some_tasks_need_loses_no_row(
    judge, plain, published, source, lacking, said
):
    found = judge(source, SOURCES[source].file, text(without(published[source], lacking)).encode())
    own = {"track_genre": "genre", "released_day": "released_on"}.get(lacking, lacking)
    gone = {own, lacking}
    assert [without_keys(row, gone) for row in found.kept] == [
        without_keys(row, gone) for row in plain[source].kept
    ]
    assert {row[own] for row in found.kept} == {None}
    (note,) = found.notes
    tasks = note.partition(" to train for ")[2].split(", ")
    assert f"it has no {lacking}" in note and sorted(tasks) == sorted(said.split(", "))


def without_keys(row: dict, names: set[str]) -> dict:
    return {name: value for name, value in row.items() if name not in names}


def test_a_bad_count_loses_no_row(judge, plain, published):
    rows = changed(published["chart_songs"], ("in_shazam_charts",), lambda _: "1,8")
    found = judge("chart_songs", SOURCES["chart_songs"].file, text(rows).encode())
    expected = [row | {"in_shazam_charts": None} for row in plain["chart_songs"].kept]
    assert found.kept == expected


def test_numbers_that_a_spreadsheet_rounded_are_noted(judge, published):
    rows = changed(published["chart_songs"][:3], ("streams",), lambda _: "1.41E+08")
    found = judge("chart_songs", SOURCES["chart_songs"].file, text(rows).encode())
    assert [row["streams"] for row in found.kept] == [141_000_000] * 2
    assert found.notes == ("2 numbers of streams have an exponent, and were rounded before",)


def test_exponents_reveal_a_decimal_comma(judge, published):
    rows = changed(published["chart_songs"][:3], ("streams",), lambda _: "1,67693E+05")
    found = judge("chart_songs", SOURCES["chart_songs"].file, text(rows, ";").encode())
    assert [row["streams"] for row in found.kept] == [167_693] * 2


def test_songs_of_another_publisher_are_read(judge, real_files):
    """TidyTuesday's songs: other names of columns, without explicit and time_signature."""
    packed = (real_files / "tidytuesday-spotify-songs.csv.gz").read_bytes()
    found = judge("tracks", f"{SOURCES['tracks'].file}.gz", packed)
    assert len(found.kept) == 32_828
    assert set(found.rules.values()) == {"not_available"} and len(found.rules) == 5
    assert "track_artist is read as artists" in found.notes


def test_each_alias_is_noted(judge, published):
    data = with_header(published["tracks"], lambda name: ALIASES.get(name, name)).encode()
    notes = judge("tracks", SOURCES["tracks"].file, data).notes
    names = {name: alias for name, alias in ALIASES.items() if name in SOURCES["tracks"].columns}
    assert set(notes) == {f"{alias} is read as {name}" for name, alias in names.items()}


def test_an_alias_is_one_column_of_a_source():
    for source in SOURCES.values():
        names = [*source.columns, *(alias for all in source.aliases.values() for alias in all)]
        places = source.places(names)
        assert list(places.values()) == list(range(len(source.columns)))
        for column, aliases in source.aliases.items():
            for alias in aliases:
                assert source.places([alias]) in ({column: 0}, source.places([column]))


# Files that are refused

REFUSED: dict[str, tuple[Callable[[Rows], bytes], str]] = {
    "nothing": (lambda rows: b"", "is empty"),
    "a mark alone": (lambda rows: b"\xff\xfe", "is empty"),
    "a header alone": (lambda rows: text(rows[:1]).encode(), "has a header but no rows"),
    "no header": (lambda rows: text(rows[1:]).encode(), "lacks the columns"),
    "no streams": (
        lambda rows: text(without(rows, "streams")).encode(),
        "lacks the column streams",
    ),
    "streams twice": (
        lambda rows: text([[*rows[0], "Streams"], *[[*row, "1"] for row in rows[1:]]]).encode(),
        "has more than one column streams",
    ),
    "a web page": (lambda rows: b"<!DOCTYPE html>\n<html></html>\n", "lacks the columns"),
    "an image": (lambda rows: b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "is not a text file"),
    "two files": (lambda rows: zipped(a=text(rows), b=text(rows)), "has 2 files in it"),
    "a spreadsheet": (
        lambda rows: zipped(**{"[Content_Types].xml": "x", "xl/workbook.xml": "x"}),
        "is a spreadsheet: save it as CSV",
    ),
    "gzip, cut": (lambda rows: gzip.compress(text(rows).encode())[:-20], "cannot be unpacked"),
    "zip, cut": (lambda rows: zipped(a=text(rows))[:-20], "cannot be unpacked"),
    "parquet, cut": (lambda rows: parquet(strings(rows))[:-20], "is a damaged Parquet file"),
    "marked, but not UTF-8": (
        lambda rows: b"\xef\xbb\xbf" + text([rows[0], ["\xe9"]]).encode("latin-1"),
        "is marked as UTF-8, but is not",
    ),
}


@pytest.mark.parametrize("variant", REFUSED)
def test_a_file_of_another_kind_is_refused(judge, published, variant):
    content, said = REFUSED[variant]
    file = SOURCES["chart_songs"].file
    with pytest.raises(raw.RawFileError, match=f"{file} {said}"):
        judge("chart_songs", file, content(published["chart_songs"]))


# Folders and files of any name

NAMES = [
    "set [2]",
    "a*b",
    "q?",
    "{a,b}",
    "it's",
    '"q"',
    " blank ",
    "100%",
    "ünï 夜",
    "[!x]",
    "a\\b",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_may_have_any_name(published, monkeypatch, tmp_path, name):
    folder: Path = tmp_path / name
    folder.mkdir()
    (folder / SOURCES["tracks"].file).write_text(text(published["tracks"][:5]))
    monkeypatch.setenv("HITPARADE_RAW", str(folder))
    monkeypatch.setenv("HITPARADE_SAMPLE", "0")
    assert raw.read("tracks").records.num_rows == 4
