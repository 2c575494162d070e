"""Damaged raw files: read as far as possible, or refused with a sentence.

HITPARADE_BAD_INPUTS=10000 tries that many.
"""

import codecs
import gzip

import hypothesis.strategies as st
import pytest

from hitparade.sources import raw
from tests.e2e.records import CHART_FILE, SONG, TRACK, file_of
from tests.faults.outcomes import outcomes_of, show, size

pytestmark = pytest.mark.slow

FILES = size("HITPARADE_BAD_INPUTS", 1000)
RECORDS = {"chart_songs": SONG, "tracks": TRACK}
HTML = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>[/b] {x}</body></html>\n"

# Changes of the text of a file: `at` has positions in it, from 0 to 1


def cut(text: str, at: list[float], piece: str) -> str:
    return text[: int(at[0] * len(text))]


def insert(text: str, at: list[float], piece: str) -> str:
    for place in at:
        text = text[: int(place * len(text))] + piece + text[int(place * len(text)) :]
    return text


def remove(text: str, at: list[float], piece: str) -> str:
    first, last = sorted(int(place * len(text)) for place in at[:2])
    return text[:first] + text[last:]


def repeat(text: str, at: list[float], piece: str) -> str:
    first, last = sorted(int(place * len(text)) for place in at[:2])
    return text[:last] + text[first:]


def exchange(text: str, at: list[float], piece: str) -> str:
    """Replace each occurrence of one character by another."""
    return text.replace(text[int(at[0] * len(text))], piece[:100])


def rename(text: str, at: list[float], piece: str) -> str:
    """Rename a column, possibly to the name of another one."""
    header, _, rows = text.partition("\n")
    names = header.split(",")
    names[int(at[0] * len(names))] = names[int(at[1] * len(names))] if at[2] < 0.5 else piece
    return ",".join(names) + "\n" + rows


def only_header(text: str, at: list[float], piece: str) -> str:
    """Keep only the header."""
    return text.split("\n")[0] + piece[:1]


def replace(text: str, at: list[float], piece: str) -> str:
    """Replace the whole file."""
    return piece * int(1 + 3 * at[0])


# Changes of its bytes


def same(data: bytes, at: list[float]) -> bytes:
    return data


def flip(data: bytes, at: list[float]) -> bytes:
    changed = bytearray(data)
    for place in at if data else ():
        changed[int(place * len(data))] ^= 1 << int(place * 1e6) % 8
    return bytes(changed)


def mislabel(data: bytes, at: list[float]) -> bytes:
    """Mark a file as UTF-8 that is not."""
    return codecs.BOM_UTF8 + data.decode(errors="replace").encode("cp1252", errors="replace")


def cut_bytes(data: bytes, at: list[float]) -> bytes:
    return data[: int(at[0] * len(data))]


def zip_it(data: bytes, at: list[float]) -> bytes:
    packed = gzip.compress(data)
    return packed[: int(2 * at[0] * len(packed))]


PIECES = [
    '"',
    '""',
    '","',
    ",",
    ";",
    "\t",
    "|",
    "\n",
    "\r",
    "\r\n",
    "\n" * 50,
    "\ufeff",
    "\0",
    "\x1a",
]
PIECES += [
    "\0",
    "\x1a",
    "'",
    "\\",
    "\x0c",
    "\x85",
    "\u2028",
    "é",
    "1,234",
    "[/red]",
    "x" * 200_000,
    "," * 500,
]
PIECES += [" ", "", HTML, "{}", "streams", "track_name"]
PLACES = st.lists(st.floats(0, 1, exclude_max=True), min_size=3, max_size=3)
TEXTS = [insert] * 4 + [remove] * 2 + [exchange] * 2 + [cut, repeat, rename, only_header, replace]
BYTES = [same] * 8 + [flip, flip, mislabel, cut_bytes, zip_it]
ENCODINGS = ["utf-8"] * 8 + ["utf-8-sig", "cp1252", "latin-1", "utf-16", "utf-7"]


@st.composite
def files(draw) -> tuple[str, bytes]:
    """Draw a source and a file of nine records with one to three kinds of damage."""
    source = draw(st.sampled_from(list(RECORDS)))
    text = file_of(RECORDS[source], [{}, {"track_name": 'a, "b"\nc'}, {"track_name": "é"}] * 3)
    for change in draw(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=2)):
        piece = draw(st.sampled_from(PIECES) | st.text(max_size=5))
        text = change(text or "-", draw(PLACES), piece)
    data = text.encode(draw(st.sampled_from(ENCODINGS)), errors="replace")
    return source, draw(st.sampled_from(BYTES))(data, draw(PLACES))


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Return a function that reads a source from a file with the given bytes."""
    monkeypatch.setenv("HITPARADE_RAW", str(tmp_path))
    monkeypatch.setenv("HITPARADE_SAMPLE", "0")

    def write_and_read(source: str, data: bytes) -> raw.RawFile:
        for old in tmp_path.iterdir():
            old.unlink()
        (tmp_path / raw.SOURCES[source].file).write_bytes(data)
        raw._read_file.cache_clear()  # files written in quick succession may have the same time
        return raw.read(source)

    return write_and_read


# The sentences that a refusal may contain.
SENTENCES = ["is empty", "is not a text file", "is marked as UTF-8, but is not", "lacks the column"]
SENTENCES += ["has more than one column", "has a header but no rows", "cannot be unpacked"]


def outcome(read, source: str, data: bytes) -> str:
    """Return the outcome of reading a file."""
    try:
        records = read(source, data).records.to_pylist()
    except raw.RawFileError as error:
        said = [sentence for sentence in SENTENCES if sentence in str(error)]
        assert said and raw.SOURCES[source].file in str(error)[:200] and len(str(error)) < 2_000
        return f"refused: {said[0]}"
    lines = [record["line_number"] for record in records]
    assert records and lines == sorted(set(lines))
    for record in records:
        cells = [record[name] for name in raw.SOURCES[source].needed]
        assert set(cells) == {None} if record["unparsed"] else None not in cells, record
        assert bool(record["unparsed"]) == bool(record["flaw"])
    return "read, some unparsed" if any(r["unparsed"] for r in records) else "read"


def test_a_bad_file_is_read_or_refused_with_a_sentence(read):
    outcomes = outcomes_of(files(), FILES, lambda file: outcome(read, *file))
    show("Files", outcomes)
    assert outcomes.total() == FILES
    assert len(outcomes) == len(SENTENCES) + 2


@pytest.mark.parametrize("change", [replace, rename, only_header])
def test_the_command_refuses_with_the_same_sentence(command, small_copy, change):
    (small_copy.raw / CHART_FILE).write_text(change(file_of(SONG, [{}]), [0.9, 0.95, 0.9], HTML))
    said = command("build")
    assert CHART_FILE in said and any(sentence in said for sentence in SENTENCES)
