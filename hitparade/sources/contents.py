"""The contents of a raw file, decompressed and decoded. The bytes decide the format."""

import codecs
import gzip
import io
import lzma
import zipfile
import zlib
from pathlib import Path

from hitparade.sources.folders import RawFileError

GZIP, ZIP, PARQUET = b"\x1f\x8b", b"PK\x03\x04", b"PAR1"
# What reading a damaged compressed file raises. A name that is not UTF-8 raises a ValueError.
DAMAGED = (
    *(OSError, EOFError, RuntimeError, NotImplementedError, ValueError),
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError),
)
SPREADSHEET = "[Content_Types].xml"
# A byte order mark that was read as Windows-1252 and written as UTF-8.
MISREAD_MARK = codecs.BOM_UTF8.decode("cp1252")
# Tried in this order for text that is not UTF-8; latin-1 accepts any bytes.
OTHER_ENCODINGS = ("cp1252", "latin-1")


def members(archive: Path) -> list[str]:
    """Return the names of the files in a zip file; none if it is damaged."""
    return [info.filename for info in entries(archive)]


def entries(archive: Path) -> list[zipfile.ZipInfo]:
    """Return the names, sizes and checksums of the files in a zip file; none if it is damaged."""
    try:
        with zipfile.ZipFile(archive) as opened:
            found = [info for info in opened.infolist() if not info.is_dir()]
    except DAMAGED:
        return []
    return [info for info in found if not _is_left_by_a_system(info.filename)]


def _is_left_by_a_system(name: str) -> bool:
    """Return whether it is one of the hidden files that macOS adds to an archive."""
    return name.startswith("__MACOSX/") or name.rpartition("/")[2].startswith(".")


def unpacked(path: Path) -> bytes:
    """Return the bytes of a file, or those of the only file in it if it is compressed.

    Raises:
        RawFileError: it is damaged, or packs several files.
    """
    data = path.read_bytes()
    try:
        if data.startswith(GZIP):
            return gzip.decompress(data)
        if data.startswith(ZIP):
            return _only_member(path, data)
    except RawFileError:
        raise
    except DAMAGED as error:
        raise RawFileError(
            f"{path} cannot be unpacked: {error}. Download it again, or unpack it yourself"
        ) from error
    return data


def beginning(path: Path, size: int) -> bytes:
    """Return the first bytes of a file, or of the only file in it if it is compressed.

    Raises:
        RawFileError: it is damaged, or packs several files.
    """
    try:
        with open(path, "rb") as opened:
            start = opened.read(size)
        if start.startswith(GZIP):
            with gzip.open(path) as packed:
                return packed.read(size)
        if start.startswith(ZIP) and len(names := members(path)) == 1:
            with zipfile.ZipFile(path) as archive, archive.open(names[0]) as member:
                return member.read(size)
    except DAMAGED as error:
        raise RawFileError(f"{path} cannot be unpacked: {error}. Download it again") from error
    return start


def _only_member(path: Path, data: bytes) -> bytes:
    names = members(path)
    if SPREADSHEET in names:
        raise RawFileError(f"{path} is a spreadsheet: save it as CSV")
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        if len(names) != 1:
            raise RawFileError(f"{path} has {len(names)} files in it: unpack it, and keep one")
        return opened.read(names[0])


def decoded(path: Path, data: bytes) -> tuple[str, str]:
    """Return the text of a file and its encoding.

    Bytes that are not UTF-8 in a file that is otherwise UTF-8 become lone surrogates.

    Raises:
        RawFileError: it is empty, or is not text.
    """
    text, encoding = _decoded(path, data)
    if "\0" in text:
        raise RawFileError(f"{path} is not a text file: save it as UTF-8 CSV")
    text, encoding = encoded_once(text, encoding)
    if not text.strip():
        raise RawFileError(f"{path} is empty: download it again, or remove it")
    return text, encoding


def _decoded(path: Path, data: bytes) -> tuple[str, str]:
    if encoding := _utf_16(data):
        # A file that was cut within a character loses only that character.
        return data[: len(data) // 2 * 2].decode(encoding, "surrogatepass"), encoding
    try:
        return data.decode("utf-8-sig"), "utf-8-sig"
    except UnicodeDecodeError:
        text = data.decode("utf-8-sig", "surrogateescape")
    if is_mostly_utf_8(text):
        return text, "utf-8-sig"
    if data.startswith(codecs.BOM_UTF8):
        raise RawFileError(f"{path} is marked as UTF-8, but is not UTF-8: save it as UTF-8 CSV")
    for encoding in OTHER_ENCODINGS:
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise AssertionError("latin-1 accepts any bytes")


def _utf_16(data: bytes) -> str | None:
    """Return the kind of UTF-16, by its mark or by the zero in its first character."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return {b"\0": "utf-16-be"}.get(data[:1]) or {b"\0": "utf-16-le"}.get(data[1:2])


def is_mostly_utf_8(text: str) -> bool:
    """Return whether more characters beyond ASCII were decoded than bytes failed."""
    beyond = [character for character in text if character > "\x7f"]
    failed = sum(map(is_lone, beyond))
    return len(beyond) - failed > failed


def is_lone(character: str) -> bool:
    """Return whether a character is half of a surrogate pair, which no encoding can write."""
    return "\ud800" <= character <= "\udfff"


def has_lone(text: str) -> bool:
    """Return whether text has half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def shown(text: str) -> str:
    """Return text with U+FFFD for each half of a surrogate pair, so that it can be stored."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def encoded_once(text: str, encoding: str) -> tuple[str, str]:
    """Repair UTF-8 that a program decoded as Windows-1252, and drop byte order marks.

    Only a byte order mark proves it: a song may be named like any other misread text.
    """
    text = text.lstrip("\ufeff")
    if not text.startswith(MISREAD_MARK):
        return text, encoding
    try:
        text, encoding = text.encode("cp1252", "as_latin_1").decode("utf-8"), f"{encoding} twice"
    except UnicodeError:
        text = text.removeprefix(MISREAD_MARK)
    return text.lstrip("\ufeff"), encoding


def _as_latin_1(error: UnicodeError) -> tuple[bytes, int]:
    """Encode what Windows-1252 does not define as the byte of the same number."""
    assert isinstance(error, UnicodeEncodeError)
    return error.object[error.start : error.end].encode("latin-1"), error.end


codecs.register_error("as_latin_1", _as_latin_1)
