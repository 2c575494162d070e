"""The section about the raw files: what was read, and which files are generated samples."""

import duckdb

from hitparade.report.parts import Note, Section, Table, fetch

QUARANTINE = """
    select
        source,
        rule,
        any_value(reason order by line_number, file, path) as example,
        count(*) as records
    from staging.quarantine
    group by all
    order by source, records desc, rule
"""
STATUS = {"real": "your file", "sample": "generated sample", "absent": "absent"}


def read(connection: duckdb.DuckDBPyConnection) -> Section:
    """The files, the quarantined records, and a warning if a file is a generated sample."""
    files = fetch(connection, "from rpt_sources order by source")
    notes = [Note(f"{row['source']}: {row['notes']}.") for row in files if row.get("notes")]
    rejected = _quarantine(fetch(connection, QUARANTINE))
    blocks = [_warning(files), _files(files), *notes, rejected]
    return Section(
        "sources",
        "Sources",
        "What was read",
        "Every record of a file is in the warehouse, or in quarantine with the rule it broke.",
        [block for block in blocks if block],
    )


def _warning(files: list[dict]) -> Note | None:
    sample = [row["source"] for row in files if row["status"] == "sample"]
    absent = [row["source"] for row in files if row["status"] == "absent"]
    sentences = []
    if sample:
        sentences.append(
            f"Generated sample: {_listed(sample)}. Its songs, artists and numbers are "
            "invented, so this page says nothing about real music."
        )
    if absent:
        sentences.append(f"Absent: {_listed(absent)}. Charts that need it are left out.")
    return Note(" ".join(sentences), warning=True) if sentences else None


def _listed(names: list[str]) -> str:
    """Return names as a list in a sentence."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _files(files: list[dict]) -> Table | Note:
    if not files:
        return Note("No file was read.")
    rows = []
    for row in files:
        texts = [row["source"], STATUS.get(row["status"], row["status"])]
        texts += [
            row["file"],
            row["encoding"],
            {"\t": "tab"}.get(row["delimiter"], row["delimiter"]),
        ]
        counts = [row["row_count"], row["quarantined"]]
        cells = [(text or "", text or "") for text in texts]
        rows.append(cells + [(n, "" if n is None else f"{n:,}") for n in counts])
    columns = ["source", "status", "file", "encoding", "delimiter", "rows", "quarantined"]
    return Table("files", "Files, and how they were read", columns, rows)


def _quarantine(found: list[dict]) -> Table | Note:
    if not found:
        return Note("Nothing is in quarantine.")
    rows = [
        [
            (row["source"], row["source"]),
            (row["rule"], row["rule"]),
            (row["records"], f"{row['records']:,}"),
            (row["example"], row["example"] or ""),
        ]
        for row in found
    ]
    columns = ["source", "rule", "records", "reason of the first"]
    return Table("quarantine", "Quarantine: records that were not used", columns, rows)
