"""The records of a CSV file. A broken line is a record of its own and affects no other."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from hitparade.sources import contents
from hitparade.sources.columns import Source

DELIMITERS = (",", ";", "\t", "|")
# A first line that tells Excel the delimiter.
HINT = re.compile(r'\s*"?sep=([^"\w\s]|\t)"?\s*', re.IGNORECASE)

# Why a record has no cells: names of staging rules.
Flaw = Literal["number_of_cells", "quotes", "not_utf8"]

# Numbers that show whether the decimal sign is a point or a comma. In a column of fractions each
# point or comma is the decimal sign. In a column of whole numbers only zeros follow the decimal
# sign, and the other sign separates thousands.
POINT = re.compile(r"[+-]?(\d{1,3}(,\d{3})+(\.0+)?|\d+\.0+|\d\.\d+[eE]\+?\d+)")
COMMA = re.compile(r"[+-]?(\d{1,3}(\.\d{3})+(,0+)?|\d+,0+|\d,\d+[eE]\+?\d+)")
EXPONENT = re.compile(r"[+-]?\d+(?:\.(\d*))?[eE]\+?(\d+)")
EXCHANGED = str.maketrans(",.", ".,")


@dataclass(frozen=True)
class Record:
    """A record: the number of its first line, its cells, its text, and why it has no cells."""

    line: int
    cells: list[str]
    text: str
    flaw: Flaw | None = None


@dataclass(frozen=True)
class Header:
    """The first record of a file, and how the file is written."""

    cells: list[str]
    delimiter: str
    lines: list[str]
    after: int

    def records(self) -> Iterator[Record]:
        """Yield the records below the header."""
        return _records(self.lines, self.after, self.delimiter, len(self.cells))


def header(source: Source, text: str) -> Header:
    """Return the header, with the delimiter by which it has most of the needed columns."""
    lines = list(io.StringIO(text, newline=""))
    start = next((place for place, line in enumerate(lines) if line.strip()), 0)
    delimiters = list(DELIMITERS)
    if hint := HINT.fullmatch(lines[start]):
        start += 1
        delimiters.insert(0, hint[1])
    found = [_header(lines, start, delimiter) for delimiter in delimiters]
    needed = set(source.needed)
    return max(found, key=lambda one: len(needed & source.places(one.cells).keys()))


def _header(lines: list[str], start: int, delimiter: str) -> Header:
    reader = csv.reader(_from(lines, start), delimiter=delimiter)
    try:
        cells = next((row for row in reader if row), [])
    except csv.Error:
        cells = []
    return Header([cell.strip() for cell in cells], delimiter, lines, start + reader.line_num)


def _from(lines: list[str], start: int) -> Iterator[str]:
    return map(lines.__getitem__, range(start, len(lines)))


def _records(lines: list[str], start: int, delimiter: str, width: int) -> Iterator[Record]:
    """Yield the records from a line on; blank lines are skipped.

    A quote that is not closed takes the next lines into its cell, until another quote. They are
    read again, each on its own: as the record that it is, or as a broken line.
    """
    suspect = 0  # lines before this one stood behind a quote that was not closed
    reader, first = None, start
    while start < len(lines):
        if reader is None:
            # Strict, so that a quote within text is an error.
            reader = csv.reader(_from(lines, start), delimiter=delimiter, strict=True)
            first = start
        flaw: Flaw | None = None
        try:
            cells = next(reader)
        except csv.Error:
            cells, flaw = [], "quotes"
        end = first + reader.line_num
        text = "".join(lines[start:end])
        if end - start > 1 and not flaw and _has_whole(lines[start + 1 : end], delimiter, width):
            flaw = "quotes"
        if flaw:
            suspect = max(suspect, end)
            reader, end, text = None, start + 1, lines[start]
        elif start < suspect and text.count('"') % 2:
            flaw = "quotes"
        elif contents.has_lone(text):
            flaw = "not_utf8"
        elif len(cells) != width:
            flaw = "number_of_cells"
        if text := text.rstrip("\r\n"):
            text = contents.shown(text) if flaw else text
            yield Record(start + 1, [] if flaw else cells, text, flaw)
        start = end


def _has_whole(lines: list[str], delimiter: str, width: int) -> bool:
    """Return whether one of the lines is a record by itself."""
    for line in lines:
        if line.count('"') % 2 == 0:
            try:
                cells = next(csv.reader([line], delimiter=delimiter, strict=True), [])
            except csv.Error:
                continue
            if len(cells) == width:
                return True
    return False


def has_decimal_comma(source: Source, columns: dict[str, list]) -> bool:
    """Return whether more numbers of a file have a decimal comma than a decimal point."""
    points = commas = 0
    for name in source.fractions:
        for cell in filter(None, columns[name]):
            points += "." in cell
            commas += "," in cell
    for name in source.wholes:
        for cell in filter(None, columns[name]):
            if "." in cell or "," in cell:
                points += POINT.fullmatch(cell.strip()) is not None
                commas += COMMA.fullmatch(cell.strip()) is not None
    return commas > points


def exchange_signs(source: Source, columns: dict[str, list]) -> None:
    """Write numbers with a decimal comma as numbers with a decimal point."""
    for name in source.fractions + source.wholes:
        columns[name] = [cell and cell.translate(EXCHANGED) for cell in columns[name]]


def rounded(source: Source, columns: dict[str, list]) -> dict[str, int]:
    """Return how many whole numbers of a column have an exponent and lack their last digits."""
    counts = dict.fromkeys(source.wholes, 0)
    for name in source.wholes:
        for cell in filter(None, columns[name]):
            if ("E" in cell or "e" in cell) and (found := EXPONENT.fullmatch(cell.strip())):
                counts[name] += len(found[1] or "") < int(found[2])
    return {name: count for name, count in counts.items() if count}
