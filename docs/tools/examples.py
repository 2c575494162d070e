"""The examples of README.md and docs/: a query or commands, followed by what they print.

An example is a code block of `sql`, `sh` or `python`, followed by a `text` block with its output.
A comment before it may set marks:

    <!-- example: runtime, nearly -->

- `runtime`: the query runs on the ONNX Runtime backend.
- `nearly`: the output depends on the machine, as that of nets, or on the time. Numbers may differ
  by a fifth. One row of a table, and a tenth of the words of a sentence, may be different. Ids,
  times and paths are not compared.
- `published`: the query runs on a file that was built from the published chart file.
- `model hit random_forest`: MODEL_ID in the command stands for the newest such model.
- `not run (why)`: nothing is run.

All examples of a page run in order on one copy of the database: a query sees what the commands
before it changed. A changed output is reported, or written, by page.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = [ROOT / "docs", ROOT / "docs" / "bi"]
PAGES = [ROOT / "README.md", *(page for folder in FOLDERS for page in sorted(folder.glob("*.md")))]
EXAMPLE = re.compile(
    r"(?P<comment><!-- example: [^\n]+ -->\n)?"
    r"```(?P<language>sql|sh|python)\n(?P<code>.*?)```\n"
    r"(?:\n```text\n(?P<output>.*?)```\n)?",
    flags=re.S,
)
# `make build` takes minutes, so only the summary at its end is printed, by this program.
SUMMARY = (
    "from hitparade.cli import summary; from hitparade.project import database;"
    "from rich.console import Console; summary.show(Console(width=140), database())"
)
OF_MAKE = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")
STAND_INS = {"make build": f'"{sys.executable}" -c "{SUMMARY}"'}


@dataclass(frozen=True)
class Example:
    """One query or program of a page, and the output that the page shows."""

    language: str
    code: str
    output: str | None
    marks: frozenset[str]

    @classmethod
    def of(cls, match: re.Match) -> "Example":
        """Return the example that a match of EXAMPLE describes."""
        words = (match["comment"] or "").removeprefix("<!-- example: ").removesuffix(" -->\n")
        marks = {re.sub(r" \(.*", "", word) for word in re.split(r", (?![^(]*\))", words) if word}
        return cls(match["language"], match["code"], match["output"], frozenset(marks))

    @property
    def is_run(self) -> bool:
        """Whether the example is run: a command without output is only text to type."""
        is_silent_command = self.language == "sh" and self.output is None
        return "not run" not in self.marks and not is_silent_command


@dataclass(frozen=True)
class Place:
    """A folder with its own database, in which the examples of one page run."""

    folder: Path
    published: Path | None = None

    @property
    def database(self) -> Path:
        """The copy that commands may change."""
        return self.folder / "hitparade.duckdb"

    def output(self, example: Example) -> str | None:
        """Return the output of an example; None if the page shows none or it cannot be run."""
        if not example.is_run or ("published" in example.marks and not self.published):
            return None
        printed = self._run(example)
        return printed if example.output is not None else None

    def _run(self, example: Example) -> str:
        if example.language == "sql":
            return self._answer(example)
        if example.language == "python":
            return self._printed([sys.executable, "-c", example.code], self.folder)
        commands = [STAND_INS.get(line, line) for line in example.code.splitlines()]
        script = "\n".join(commands).replace("MODEL_ID", self._model_id(example))
        return self._printed(["bash", "-ec", script], ROOT)

    def _model_id(self, example: Example) -> str:
        """The model that MODEL_ID stands for."""
        query = """
            select max_by(model_id, version) from ml.model_versions
            where list_contains($marks, concat_ws(' ', 'model', task, algorithm))
        """
        with duckdb.connect(str(self.database), read_only=True) as connection:
            ((found,),) = connection.execute(query, {"marks": list(example.marks)}).fetchall()
        return found or "MODEL_ID"

    def _answer(self, example: Example) -> str:
        file = self.published if "published" in example.marks else self.database
        with duckdb.connect(str(file), read_only=True) as connection:
            if "runtime" in example.marks:
                import udfs

                udfs.register(connection)
            return _tidy(str(connection.sql(example.code)))

    def _printed(self, command: list[str], folder: Path) -> str:
        own = {
            "HITPARADE_DATABASE": str(self.database),
            "HITPARADE_RAW": str(self.folder / "raw"),
            "HITPARADE_SAMPLE": str(self.folder / "sample"),
            "DBT_TARGET_PATH": str(self.folder / "target"),
            "DBT_LOG_PATH": str(self.folder / "logs"),
            "DBT_USE_COLORS": "false",
            "COLUMNS": "120",
            "OMP_NUM_THREADS": "1",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        }
        # Below another make, make prints the folder that it enters.
        ours = {name: value for name, value in os.environ.items() if name not in OF_MAKE}
        result = subprocess.run(
            command, cwd=folder, env=ours | own, capture_output=True, text=True, timeout=300
        )
        if result.returncode:
            raise AssertionError(f"{command[-1]}\nfailed:\n{result.stdout}{result.stderr}")
        return _tidy(result.stdout.replace(f"{self.folder}/", ""))


def _tidy(output: str) -> str:
    """The lines without trailing spaces, and without empty lines at the beginning and end."""
    lines = [line.rstrip() for line in output.splitlines()]
    return "\n".join(lines).strip("\n") + "\n"


@contextmanager
def place(database: Path, published: Path | None) -> Iterator[Place]:
    """A folder with a copy of the database, for the examples of one page."""
    with tempfile.TemporaryDirectory() as name:
        found = Place(Path(name), published)
        shutil.copy(database, found.database)
        (found.folder / "raw").mkdir()
        yield found


def differences(page: Path, database: Path, published: Path | None) -> list[str]:
    """The examples of a page whose output differs from the one on the page."""
    return [
        f"{example.code}prints\n{printed}but the page shows\n{example.output}"
        for example, printed in _outputs(page, database, published)
        if printed is not None and not is_same(example, printed)
    ]


def renewed(page: Path, database: Path, published: Path | None) -> str:
    """The text of a page with the new outputs of its examples."""
    outputs = iter(_outputs(page, database, published))

    def with_output(match: re.Match) -> str:
        example, printed = next(outputs)
        if printed is None or is_same(example, printed):
            return match[0]
        head, _, _ = match[0].rpartition("```text\n")
        return f"{head}```text\n{printed}```\n"

    return EXAMPLE.sub(with_output, page.read_text())


def _outputs(
    page: Path, database: Path, published: Path | None
) -> list[tuple[Example, str | None]]:
    """Each example of a page with its new output, see `Place.output`."""
    examples = [Example.of(match) for match in EXAMPLE.finditer(page.read_text())]
    with place(database, published) as where:
        return [(example, where.output(example)) for example in examples]


def is_same(example: Example, printed: str) -> bool:
    """Whether the page shows the new output, or nearly so if the example is marked `nearly`."""
    shown = example.output or ""
    if "nearly" not in example.marks:
        return printed == shown
    lines = shown.splitlines(), printed.splitlines()
    if len(lines[0]) == len(lines[1]) and all(map(_is_nearly_the_same_line, *lines)):
        return True
    return "│" in shown and _is_nearly_the_same_table(shown, printed)


def _is_nearly_the_same_table(shown: str, printed: str) -> bool:
    """Whether two tables have the same header, and nearly the same rows except for one."""
    there, here = _cells(shown), _cells(printed)
    if there[:2] != here[:2] or len(there) != len(here):
        return False
    name = there[1].index("varchar") if "varchar" in there[1] else 0
    rows = {row[name]: row for row in there[2:]}
    found = [(rows[row[name]], row) for row in here[2:] if row[name] in rows]
    # If rows are close to each other, another one may come last, and the ranks change.
    is_rank = [column in ("rank", "song_rank") for column in there[0]]
    return len(found) >= len(there) - 3 and all(
        rank or _is_nearly_the_same_line(one, other)
        for pair in found
        for rank, one, other in zip(is_rank, *pair, strict=True)
    )


def _cells(table: str) -> list[list[str]]:
    """The cells of each line of a printed table."""
    lines = [line for line in table.splitlines() if line.startswith("│")]
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines]


# A model_id, a time, or a path: no two builds have the same.
PASSING = re.compile(r"\b[0-9a-f]{12}\b|\d{4}-\d\d-\d\d( \d\d:\d\d(:\d\d)?)?")


def _is_nearly_the_same_line(shown: str, printed: str) -> bool:
    """Whether two lines have the same words, and numbers that are close to each other.

    In a long sentence, a tenth may differ: another net may give one other piece of advice. A line
    with columns is no sentence.
    """
    one, other = (PASSING.sub("*", line).split() for line in (shown, printed))
    differing = sum(not _is_near(*pair) for pair in zip(one, other, strict=False))
    most = 0 if "  " in shown.strip() else len(one) // 10
    return len(one) == len(other) and differing <= most


def _is_near(word: str, other: str) -> bool:
    try:
        one, two = (float(text.strip("(),;:%+")) for text in (word, other))
    except ValueError:
        return word == other
    return abs(one - two) <= max(0.02, 0.2 * max(abs(one), abs(two)))
