"""The files in the folder of the raw files that nothing reads, and what to do with each."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from hitparade.sources import contents, records, slices
from hitparade.sources.columns import SOURCES
from hitparade.sources.folders import RawFileError, raw_folder
from hitparade.sources.raw import candidates, locate

# What may stand beside data, as in the archive of the Million Playlist Dataset.
ASIDE = (".md", ".py", ".pdf", ".html")
GIVEN = ("chart_songs", "tracks")
# Bytes of a file that are looked at for its header.
BEGINNING = 100_000
NAMES = (
    "hitparade reads spotify-2023.csv, dataset.csv, mpd.slice.*.json and *.jsonl: see docs/data.md"
)


def unused() -> list[str]:
    """Return a sentence for each file that is not used whole: its path, why, and the next step."""
    folder = raw_folder()
    found = slices.used(folder)
    read = {one.file for one in found} | {locate(source)[0] for source in GIVEN}
    others = {path: source for source in GIVEN for path in candidates(source)}
    there = {(one.file, one.member) for one in found}
    sentences = []
    for path in sorted(folder.rglob("*")):
        is_hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        is_aside = is_hidden or path.suffix.casefold() in ASIDE
        if path.is_file() and path not in read and not is_aside:
            shown = contents.shown(str(path.relative_to(folder)))
            sentences.append(f"{shown}: {_step(folder, path, others.get(path))}")
    for one in slices.present(folder):
        if one.file in read and (one.file, one.member) not in there:
            sentences.append(f"{one.name}: a slice of the same name is read instead")
    for one in found:
        if slices.has_lines(one.name) and not one.member and slices.has_unfinished_line(one.file):
            sentences.append(f"{one.name}: its last line is not complete, and is read once it is")
    return sentences


def _step(folder: Path, path: Path, source: str | None) -> str:
    """Return why a file is not used, and the next step; the source is one that it might serve."""
    if contents.has_lone(str(path)):
        return "its path is not UTF-8: rename it"
    if slices.is_known(path.name):
        return "a slice of the same name is read instead: remove one of the two"
    if source:
        used, _ = locate(source)
        assert used
        return f"{used.name} is read instead: remove one of the two"
    try:
        return _of_contents(folder, path)
    except (RawFileError, OSError, pa.ArrowException) as error:
        return f"{str(error).removeprefix(f'{path} ')}. {NAMES}"


def _of_contents(folder: Path, path: Path) -> str:
    if path.suffix.casefold() == ".zip":
        if not (names := contents.members(path)):
            return "the zip file is empty or damaged: download it again"
        if len(names) > 1:
            return f"it has {len(names)} files in it: unpack it, and keep those that are needed"
    source = _source_like(path)
    if source is None:
        return f"it is no file that is known by its columns. {NAMES}"
    wanted = _name_for(source, path)
    used, status = locate(source)
    said = f"it has the columns of {SOURCES[source].file}"
    if status == "real" and used and used.name.casefold() == wanted.casefold():
        return f"{said}, but {used.name} is read: remove that one, and rename this to {wanted}"
    if path.name.casefold() == wanted.casefold():
        return f"{said}: move it to {folder}"
    return f"{said}: rename it to {wanted}, in {folder}"


def _name_for(source: str, path: Path) -> str:
    """Return the name under which a file would be found."""
    file = SOURCES[source].file
    suffix = path.suffix.casefold()
    if suffix == ".parquet":
        return file.removesuffix(".csv") + suffix
    return file + (suffix if suffix in (".gz", ".zip") else "")


def _source_like(path: Path) -> str | None:
    """Return the source that has the columns of a file."""
    data = contents.beginning(path, BEGINNING)
    for source in GIVEN:
        described = SOURCES[source]
        if data.startswith(contents.PARQUET):
            header = pa.parquet.read_schema(path).names
        else:
            header = records.header(described, contents.decoded(path, data)[0]).cells
        if not set(described.needed) - described.places(header).keys():
            return source
    return None
