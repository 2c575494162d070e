"""README.md and docs/ are correct: outputs, commands, functions, variables, links."""

import re
import subprocess
import sys

import pytest
from typer.main import get_command

from benchmarks.__main__ import app as benchmarks
from docs.tools import examples, reference
from hitparade.cli import app as hitparade

ROOT = examples.ROOT
TEXTS = {
    page: page.read_text() for page in [*examples.PAGES, ROOT / "docs/reference/environment.md"]
}
WORDS = "\n".join(TEXTS.values())
# Text that a reader may type: between backticks, and the lines of shell examples.
PROSE = " ".join(re.sub(r"^```.*?^```$", "", WORDS, flags=re.M | re.S).split())
TYPED = re.findall(r"`([^`]+)`", PROSE)
TYPED += "\n".join(re.findall(r"```sh\n(.*?)```", WORDS, flags=re.S)).splitlines()


def name(page) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.slow
@pytest.mark.parametrize("page", examples.PAGES, ids=name)
def test_the_examples_of_a_page_print_the_output_it_shows(warehouse, page):
    found = examples.differences(page, warehouse.database, None)
    assert not found, "\n\n".join([*found, "`make docs` renews the page"])


@pytest.mark.slow
def test_the_example_on_the_published_charts_prints_the_output_it_shows(
    real_files, warehouse, empty
):
    empty.raw.mkdir()
    (empty.raw / "spotify-2023.csv").symlink_to(real_files / "spotify-2023.csv")
    empty.build()
    (page,) = (page for page, text in TEXTS.items() if "<!-- example: published" in text)
    assert not examples.differences(page, warehouse.database, empty.database)


@pytest.mark.parametrize("page", TEXTS, ids=name)
def test_every_query_shows_its_output_or_says_why_not(page):
    matches = [examples.Example.of(match) for match in examples.EXAMPLE.finditer(TEXTS[page])]
    queries = [example for example in matches if example.language == "sql"]
    assert len(queries) == TEXTS[page].count("```sql")
    assert all(query.output or "not run" in query.marks for query in queries)


def test_the_reference_is_up_to_date(warehouse):
    for page, text in reference.pages(warehouse.database).items():
        assert page.read_text() == text, f"{name(page)} differs: run `make docs`"


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 130


def typed(written: str) -> set[str]:
    """The words that follow the given one in text that a reader may type."""
    return {found[1] for line in TYPED if (found := re.match(rf"{written} ([a-z-]+)", line))}


@pytest.mark.parametrize(
    ("app", "written"), [(hitparade, "hitparade"), (benchmarks, "python -m benchmarks")]
)
def test_every_command_in_the_docs_exists(app, written):
    assert typed(written)
    assert typed(written) <= get_command(app).commands.keys()


def test_every_make_target_in_the_docs_exists():
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), flags=re.M)
    assert {"build", "test"} <= typed("make") <= set(targets)


def test_every_function_is_in_a_guide():
    functions = {path.stem for path in (ROOT / "udfs" / "functions").rglob("*.sql")}
    tasks = r"_(?:hit|tier|popularity|log_streams(?:_context)?)"
    families = {
        re.sub(rf"^(explain|check|encode|predict){tasks}(_by)?$", r"\1_hit\2", name)
        for name in functions
    }
    assert families <= set(re.findall(r"\b(\w+)\(", WORDS))


def test_every_environment_variable_is_described():
    code = [*ROOT.glob("*.yml")]
    for folder in ("hitparade", "udfs", "models_py", "dbt_project"):
        code += [*(ROOT / folder).rglob("*.py"), *(ROOT / folder).rglob("*.sql")]
    used = {
        variable
        for path in code
        for variable in re.findall(r"[\"'](?:HITPARADE|SNOWFLAKE)_[A-Z_]+[\"']", path.read_text())
    }
    described = TEXTS[ROOT / "docs/reference/environment.md"]
    assert used
    assert {variable for variable in used if f"`{variable[1:-1]}`" not in described} == set()


def test_the_site_builds_without_broken_links(tmp_path):
    # Not --quiet: mkdocs counts only printed warnings as errors.
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(tmp_path)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "index.html").is_file()
    loaded = re.compile(
        r"<(?:script|img|iframe)[^>]* src=\"?http|<link[^>]* rel=\"?stylesheet[^>]*http"
    )
    assert not [page for page in tmp_path.rglob("*.html") if loaded.search(page.read_text())]
