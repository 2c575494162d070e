"""A leak in the project fails the build before a model that uses it is served."""

import csv
import shutil

import pytest

from tests.warehouse import Warehouse, copy_project

pytestmark = pytest.mark.slow

ENCODERS = "dbt_project/macros/generated/tasks.sql"
# The inputs of the hit encoder up to the one that is replaced.
HIT = """encode_hit(row='') -%}
    {% do return([
        number('danceability', row),
        number('energy', row),
        """
LOG_STREAMS = """encode_log_streams(row='') -%}
    {% do return([
        """
VALENCE = "number('valence', row)"
# A rank correlation of .7 with the label: only the score shows that something is wrong.
NOISY = "popularity + 60 * (hash(track_id) % 1000) / 1000.0"


@pytest.fixture
def planted(small_copy, tmp_path):
    """A function that replaces text in a copy of the project, over a copy of the warehouse."""
    project = copy_project(tmp_path / "project")
    shutil.rmtree(small_copy.folder / "target")

    def plant(file: str, old: str, new: str) -> Warehouse:
        text = (project / file).read_text()
        assert text.count(old) == 1, "the text to replace is no longer in the file"
        (project / file).write_text(text.replace(old, new))
        return Warehouse(small_copy.folder, project)

    return plant


def versions(warehouse, task):
    return warehouse.query(f"select count(*) from ml.train_{task}")


def assert_stopped(warehouse, sample, task, test, *, before_training=True):
    """Assert that the build fails by this test and that later models keep their state."""
    models, champions = versions(warehouse, task), warehouse.query("from ml.champions order by all")
    selection = f"+train_{task}" if before_training else f"+feat_{task} train_{task}+"
    result = warehouse.dbt(
        "build", "--select", selection, check=False, HITPARADE_SAMPLE=str(sample)
    )
    assert result.returncode == 1, result.stdout + result.stderr
    failures = [line for line in result.stdout.splitlines() if " FAIL " in line]
    assert len(failures) == 1 and test in failures[0], result.stdout
    assert warehouse.query("from ml.champions order by all") == champions
    if before_training:
        assert versions(warehouse, task) == models


@pytest.mark.parametrize(
    "expression", ["cast(line_number as double)", "-ln(2 + line_number)"], ids=["as is", "rescaled"]
)
def test_a_row_number_of_the_file_as_input_fails_the_build(planted, small_sample, expression):
    warehouse = planted(
        ENCODERS, HIT + VALENCE, f"{HIT}{{'name': 'valence', 'expression': '{expression}'}}"
    )
    assert_stopped(warehouse, small_sample, "hit", "no_leak_feat_hit")


@pytest.mark.parametrize(
    "expression",
    [
        "cast(in_spotify_playlists as double)",
        "sqrt(in_deezer_playlists)",
        "cast(in_spotify_playlists > 2000 as double)",
    ],
    ids=["as is", "rescaled", "cut in two"],
)
def test_a_count_known_only_after_release_as_input_fails_the_build(
    planted, small_sample, expression
):
    warehouse = planted(
        ENCODERS,
        f"{LOG_STREAMS}number('bpm', row)",
        f"{LOG_STREAMS}{{'name': 'bpm', 'expression': '{expression}'}}",
    )
    assert_stopped(warehouse, small_sample, "log_streams", "no_leak_feat_log_streams")


def test_a_pair_on_both_sides_of_a_split_fails_the_build(planted, small_sample):
    warehouse = planted(
        "dbt_project/models/features/generated/feat_log_streams.sql",
        "fold('pair_key')",
        "fold('song_id')",
    )
    assert_stopped(warehouse, small_sample, "log_streams", "one_side_of_a_split_feat_log_streams")


def test_a_score_above_the_best_achievable_one_fails_the_build(planted, small_sample):
    warehouse = planted(
        ENCODERS, HIT + VALENCE, f"{HIT}{{'name': 'valence', 'expression': '{NOISY}'}}"
    )
    assert_stopped(
        warehouse, small_sample, "hit", "no_model_beats_the_ceiling", before_training=False
    )


def test_an_uninformative_column_is_not_a_leak(planted, small_sample):
    warehouse = planted(ENCODERS, HIT + VALENCE, HIT + "{'name': 'valence', 'expression': '1e0'}")
    warehouse.dbt("build", "--select", "+feat_hit", HITPARADE_SAMPLE=str(small_sample))


@pytest.mark.parametrize(
    ("file", "column", "task"),
    [
        ("dataset.csv", "energy", "hit"),
        ("dataset.csv", "tempo", "hit"),
        ("dataset.csv", "popularity", "popularity"),
        ("spotify-2023.csv", "released_month", "log_streams_context"),
        ("spotify-2023.csv", "bpm", "log_streams"),
        ("spotify-2023.csv", "streams", "log_streams"),
    ],
)
def test_a_file_sorted_by_a_column_is_not_a_leak(empty, small_sample, file, column, task):
    with (small_sample / file).open(encoding="utf-8-sig", newline="") as opened:
        header, *rows = csv.reader(opened)
    place = header.index(column)
    rows.sort(key=lambda row: number(row[place]))
    empty.raw.mkdir()
    with (empty.raw / file).open("w", encoding="utf-8", newline="") as opened:
        csv.writer(opened).writerows([header, *rows])
    selection = ("--select", f"+feat_{task}", "--indirect-selection", "buildable")
    empty.dbt("build", *selection, HITPARADE_SAMPLE=str(small_sample))


def number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:  # a cell that goes to quarantine
        return -1.0
