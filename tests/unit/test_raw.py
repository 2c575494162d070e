import csv
import gzip
import hashlib
import io
import os
import zipfile

import pytest

from hitparade import project
from hitparade.sources import raw
from hitparade.sources.raw import RawFileError

SONGS = raw.SOURCES["chart_songs"]
SONGS_FILE = SONGS.file
ABOUT = ["line_number", "unparsed", "flaw"]
FOLDERS = {"real": "raw", "sample": "sample"}


def cells(**known: str) -> dict[str, str]:
    """One song by column; by default, each cell has the number of its column."""
    return {name: str(i) for i, name in enumerate(SONGS.columns)} | known


def csv_text(*records: dict[str, str], delimiter: str = ",", newline: str = "\n") -> str:
    """The text of a file of records with equal columns."""
    quoted = [[f'"{c}"' if set(c) & {delimiter, "\n"} else c for c in r.values()] for r in records]
    return newline.join(delimiter.join(row) for row in [list(records[0]), *quoted]) + newline


def zipped(files: dict[str, str | bytes]) -> bytes:
    """A zip file of these files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Empty folders of the user and of the sample, in a project."""
    for name in ("HITPARADE_RAW", "HITPARADE_SAMPLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DBT_PROJECT_DIR", str(tmp_path))
    (tmp_path / project.FILE).write_text(f"on-run-start: ['{{{{ {project.MARK} }}}}']")
    (tmp_path / "data" / "raw").mkdir(parents=True)
    (tmp_path / "data" / "sample").mkdir()
    return tmp_path / "data"


@pytest.fixture
def read(folders):
    """Return a function that reads the chart songs from a file with the given content."""

    def write_and_read(content: str | bytes) -> raw.RawFile:
        data = content.encode() if isinstance(content, str) else content
        (folders / "raw" / SONGS_FILE).write_bytes(data)
        return raw.read("chart_songs")

    return write_and_read


def refusal(read, content: str | bytes) -> str:
    """The error message of an unreadable file."""
    with pytest.raises(RawFileError) as error:
        read(content)
    return str(error.value)


def names(file: raw.RawFile) -> list[str]:
    return file.records["track_name"].to_pylist()


# The file of a source


@pytest.mark.parametrize(
    ("present", "status"),
    [(["real", "sample"], "real"), (["real"], "real"), (["sample"], "sample"), ([], "absent")],
)
def test_the_users_file_takes_precedence_over_the_sample(folders, present, status):
    for folder in present:
        (folders / FOLDERS[folder] / SONGS_FILE).touch()
    path = folders / FOLDERS[present[0]] / SONGS_FILE if present else None
    assert raw.locate("chart_songs") == (path, status)


def test_each_source_is_located_on_its_own(folders):
    (folders / "raw" / SONGS_FILE).touch()
    (folders / "sample" / "dataset.csv").touch()
    assert [raw.locate(name)[1] for name in raw.SOURCES] == ["real", "sample", "absent"]


def test_best_achievable_scores_are_never_read_from_user_files(folders):
    (folders / "raw" / "ceilings.csv").touch()
    assert raw.locate("ceilings") == (None, "absent")


@pytest.mark.parametrize(
    ("variable", "status"), [("HITPARADE_RAW", "real"), ("HITPARADE_SAMPLE", "sample")]
)
def test_a_folder_can_be_named(folders, monkeypatch, variable, status):
    named = folders / "named"
    named.mkdir()
    (named / SONGS_FILE).touch()
    monkeypatch.setenv(variable, str(named))
    assert raw.locate("chart_songs") == (named / SONGS_FILE, status)


@pytest.mark.parametrize("variable", ["HITPARADE_RAW", "HITPARADE_SAMPLE"])
def test_a_blank_variable_is_ignored(folders, monkeypatch, variable):
    monkeypatch.setenv(variable, "")
    assert (raw.raw_folder(), raw.sample_folder()) == (folders / "raw", folders / "sample")


def test_samples_can_be_switched_off(folders, monkeypatch):
    (folders / "sample" / SONGS_FILE).touch()
    monkeypatch.setenv("HITPARADE_SAMPLE", "0")
    assert raw.locate("chart_songs") == (None, "absent")


def test_a_named_folder_that_does_not_exist_is_refused(folders, monkeypatch):
    monkeypatch.setenv("HITPARADE_RAW", str(folders / "nowhere"))
    with pytest.raises(RawFileError, match=r"HITPARADE_RAW names .*nowhere, .*unset HITPARADE_RAW"):
        raw.read("chart_songs")


# The content of a file


@pytest.mark.parametrize(
    ("encoding", "name", "found"),
    [
        ("utf-8", "Qué Más Pués? 夜", "utf-8-sig"),
        ("utf-8-sig", "Qué Más Pués? 夜", "utf-8-sig"),
        ("cp1252", "Caf\xe9 \u2026", "cp1252"),
        ("latin-1", "Café", "cp1252"),
        ("latin-1", "Caf\xe9\x81", "latin-1"),  # cp1252 has no character 0x81
    ],
)
def test_the_encoding_is_detected(read, encoding, name, found):
    file = read(csv_text(cells(track_name=name)).encode(encoding))
    assert (file.encoding, names(file)) == (found, [name])


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_and_line_ending_are_detected(read, delimiter, newline):
    songs = [cells(track_name=f"one{delimiter} two; three, four"), cells(track_name="five")]
    file = read(csv_text(*songs, delimiter=delimiter, newline=newline))
    assert file.delimiter == delimiter
    assert file.records.select(SONGS.columns).to_pylist() == songs


def test_a_file_may_quote_every_cell(read):
    song = cells(track_name="a")
    lines = ['"' + '","'.join(row) + '"' for row in (song.keys(), song.values())]
    assert read("\n".join(lines)).records.select(SONGS.columns).to_pylist() == [song]


def test_the_last_line_may_lack_a_line_ending(read):
    assert names(read(csv_text(cells(track_name="a")).rstrip())) == ["a"]


@pytest.mark.parametrize(
    "name", ["two\nlines", "two\r\nlines", "a\n\nb", "say ''hi''", 'in 7" cut']
)
def test_quoted_cells_are_kept_unchanged(read, name):
    assert names(read(csv_text(cells(track_name=name)))) == [name]


def test_doubled_quotes_become_one(read):
    text = csv_text(cells(track_name="NAME")).replace("NAME", '"She said ""no"""')
    assert names(read(text)) == ['She said "no"']


def test_text_is_not_trimmed_and_blank_is_not_null(read):
    file = read(csv_text(cells(track_name=" a ", key="")))
    assert (names(file), file.records["key"].to_pylist()) == ([" a "], [""])


def test_lines_are_numbered_as_an_editor_shows_them(read):
    text = csv_text(*[cells(track_name=name) for name in ("a", "two\nlines", "b", "c")])
    header, rows = text.split("\n", 1)
    file = read("\n" + header + "\n\n" + rows)
    assert names(file) == ["a", "two\nlines", "b", "c"]
    assert file.records["line_number"].to_pylist() == [4, 5, 7, 8]


def test_blank_lines_are_skipped(read):
    text = csv_text(cells(track_name="a"), cells(track_name="b"))
    assert names(read(text.replace("\n", "\n\n\n"))) == ["a", "b"]


def test_columns_are_found_by_name(read):
    song = cells(track_name="a")
    file = read(csv_text(dict(reversed(song.items()))))
    assert file.records.select(SONGS.columns).to_pylist() == [song]


def test_blanks_around_column_names_are_ignored(read):
    song = cells(track_name="a")
    file = read(csv_text({f" {name} ": value for name, value in song.items()}))
    assert file.records.select(SONGS.columns).to_pylist() == [song]


@pytest.mark.parametrize("extra", ["", "cover_url", "line_number", "unparsed"])
def test_other_columns_are_ignored(read, extra):
    records = read(csv_text({extra: "x"} | cells(track_name="a"))).records
    assert records.column_names == [*SONGS.columns, *ABOUT]
    assert records.select(ABOUT).to_pylist() == [{"line_number": 2, "unparsed": None, "flaw": None}]


def test_an_optional_column_may_be_absent(read):
    song = {name: value for name, value in cells().items() if name != "in_shazam_charts"}
    records = read(csv_text(song, song)).records
    assert records["in_shazam_charts"].to_pylist() == [None, None]
    assert records["in_deezer_charts"].to_pylist() == [song["in_deezer_charts"]] * 2


# Records with another number of cells than the header


@pytest.mark.parametrize("change", ["too few", "too many"])
def test_a_record_with_another_number_of_cells_is_kept_whole_in_unparsed(read, change):
    header, bad, good = csv_text(cells(), cells(track_name="good")).splitlines()
    bad = bad.rsplit(",", 1)[0] if change == "too few" else bad + ",more"
    records = read("\n".join([header, bad, good])).records.to_pylist()
    about = {"line_number": 2, "unparsed": bad, "flaw": "number_of_cells"}
    assert records[0] == dict.fromkeys(SONGS.columns) | about
    assert (records[1]["track_name"], records[1]["unparsed"]) == ("good", None)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_cells_can_be_read_again_from_unparsed(read, delimiter):
    header, good = csv_text(cells(), delimiter=delimiter).splitlines()
    line = delimiter.join([f'"a{delimiter} b"', '"two\nlines"', '"""q"""', "", "z"])
    unparsed = read("\n".join([header, line, good])).records["unparsed"][0].as_py()
    again = next(csv.reader(unparsed.splitlines(keepends=True), delimiter=delimiter))
    assert again == [f"a{delimiter} b", "two\nlines", '"q"', "", "z"]


def test_a_line_of_blanks_is_kept(read):
    records = read(csv_text(cells()) + "  \n").records
    assert records["unparsed"].to_pylist() == [None, "  "]


# Files that cannot be read


@pytest.mark.parametrize("content", [b"", b" \r\n\r\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\r\n"])
def test_an_empty_file_is_refused(read, content):
    assert f"{SONGS_FILE} is empty: download it again" in refusal(read, content)


def test_a_header_without_rows_is_refused(read):
    header = csv_text(cells()).splitlines()[0]
    assert f"{SONGS_FILE} has a header but no rows" in refusal(read, header + "\n\n")


@pytest.mark.parametrize(
    ("missing", "said"),
    [(["streams"], "column streams:"), (["streams", "bpm"], "columns streams, bpm:")],
)
def test_missing_columns_are_named_with_the_file(read, missing, said):
    song = {name: value for name, value in cells().items() if name not in missing}
    message = refusal(read, csv_text(song))
    assert f"{SONGS_FILE} lacks the {said} its header is track_name, artist(s)_name" in message


def test_a_file_without_a_header_is_refused(read):
    rows = csv_text(cells(), cells()).split("\n", 1)[1]
    assert f"{SONGS_FILE} lacks the columns track_name, " in refusal(read, rows)


def test_an_unknown_delimiter_is_refused(read):
    assert "lacks the columns track_name, " in refusal(read, csv_text(cells(), delimiter="^"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"track_name\0data", "is not a text file"),
        (b"PK\x03\x04\x00\x00data", "cannot be unpacked"),
        (gzip.compress(b"track_name")[:-9], "cannot be unpacked"),
        (b"PAR1data", "is a damaged Parquet file"),
        (zipped({"a.csv": "a", "b.csv": "b"}), "has 2 files in it: unpack it"),
        (zipped({"[Content_Types].xml": "", "sheet.xml": ""}), "is a spreadsheet: save it as CSV"),
    ],
    ids=["binary", "zip, damaged", "gzip, cut", "parquet, damaged", "zip of two", "spreadsheet"],
)
def test_a_binary_file_is_refused(read, content, said):
    assert f"{SONGS_FILE} {said}" in refusal(read, content)


@pytest.mark.parametrize("column", ["track_name", "key", SONGS.columns[-1]])
@pytest.mark.parametrize("rows", [2, 2000])
def test_a_quote_that_is_never_closed_costs_its_line_alone(read, column, rows):
    songs = [cells(**{column: "OPEN"})] + [cells(track_name="a, plain")] * rows
    records = read(csv_text(*songs).replace("OPEN", '"open')).records.to_pylist()
    assert [record["flaw"] for record in records] == ["quotes"] + [None] * rows
    assert {record["track_name"] for record in records[1:]} == {"a, plain"}


def test_a_duplicate_column_is_refused(read):
    header, row = csv_text(cells(streams="1")).splitlines()
    assert "streams" in refusal(read, f"{header},streams\n{row},2\n")


# Properties of all files


def test_an_absent_source_has_no_records_but_all_columns(folders):
    (folders / "raw" / SONGS_FILE).write_text(csv_text(cells()))
    file = raw.read("tracks")
    assert (file.status, file.path, file.records.num_rows) == ("absent", None, 0)
    assert file.records.column_names == [
        *raw.SOURCES["tracks"].columns,
        *ABOUT,
    ]


def test_files_lists_the_file_of_each_source(folders):
    song = csv_text(cells(track_name="Café"), cells(), delimiter=";")
    (folders / "raw" / SONGS_FILE).write_bytes((song + "short;line\n").encode("cp1252"))
    ceilings = dict.fromkeys(raw.SOURCES["ceilings"].columns, "1")
    (folders / "sample" / "ceilings.csv").write_text(csv_text(ceilings))
    songs, tracks, known = raw.files().to_pylist()
    assert [tuple(row.values())[:-2] for row in (songs, tracks, known)] == [
        ("chart_songs", "real", "spotify-2023.csv", "cp1252", ";", 3),
        ("tracks", "absent", None, None, None, 0),
        ("ceilings", "sample", "ceilings.csv", "utf-8-sig", ",", 1),
    ]
    content = (folders / "raw" / SONGS_FILE).read_bytes()
    assert songs["sha256"] == hashlib.sha256(content).hexdigest()
    assert tracks["sha256"] is None


def test_without_any_file_the_next_step_is_named(folders):
    for source in raw.SOURCES:
        message = r"no raw files in .*data/raw and no sample: put"
        with pytest.raises(raw.RawFileError, match=message):
            raw.read(source)


def test_a_changed_file_is_read_again(folders, read):
    assert names(read(csv_text(cells(track_name="old")))) == ["old"]
    path = folders / "raw" / SONGS_FILE
    path.write_text(csv_text(cells(track_name="new")))
    os.utime(path, ns=(1, 1))
    assert names(raw.read("chart_songs")) == ["new"]


@pytest.mark.parametrize("bad", ['"Foo" bar', '"open'])
def test_a_record_with_invalid_quotes_is_kept_whole_in_unparsed(read, bad):
    songs = [cells(track_name="BAD"), *[cells(track_name="with, comma")] * 3]
    records = read(csv_text(*songs).replace("BAD", bad)).records.to_pylist()
    assert records[0]["unparsed"].startswith(bad)
    assert records[0]["track_name"] is None
    assert {record["track_name"] for record in records[1:]} == {"with, comma"}


def test_a_file_that_is_not_utf_8_despite_its_mark_is_refused(read):
    content = b"\xef\xbb\xbf" + csv_text(cells(track_name="Caf\xe9")).encode("latin-1")
    assert "is marked as UTF-8, but is not" in refusal(read, content)
