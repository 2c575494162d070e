"""Too little data for a model: the build succeeds, says what is missing, and builds the rest."""

import io
import json
import re

import duckdb
import pytest
from rich.console import Console

from hitparade.cli import summary
from tests.e2e.records import rewrite
from tests.warehouse import Warehouse

pytestmark = pytest.mark.slow

SLICE = "mpd.slice.0-999.json"
REFUSED = "select task, reason from ml.challengers where decision = 'refuse'"


def write_raw(warehouse: Warehouse, sample, rows=None, playlists=()) -> None:
    """Write the sample's tracks, changed by `rows`, and playlists as a user's files."""
    warehouse.raw.mkdir(exist_ok=True)
    tracks = warehouse.raw / "dataset.csv"
    tracks.write_bytes((sample / "dataset.csv").read_bytes())
    rewrite(tracks, rows or (lambda found: found))
    (warehouse.raw / SLICE).write_text(json.dumps({"playlists": list(playlists)}))


def playlists_of(sample) -> list[dict]:
    (slice_,) = sample.glob("mpd.slice.*.json")
    return json.loads(slice_.read_text())["playlists"]


def summary_of(warehouse: Warehouse) -> str:
    text = io.StringIO()
    summary.show(Console(file=text, width=250), warehouse.database)
    return text.getvalue()


@pytest.fixture(scope="module")
def thirty(tmp_path_factory, sample_with_playlists) -> Warehouse:
    """A warehouse of 30 tracks and 3 playlists, without chart songs."""
    made = Warehouse(tmp_path_factory.mktemp("thirty"))
    few = playlists_of(sample_with_playlists)[:3]
    write_raw(made, sample_with_playlists, lambda rows: rows[:30], few)
    made.dbt("build")
    return made


def test_a_build_of_thirty_tracks_succeeds_and_says_what_each_task_needs(thirty):
    reasons = dict(thirty.query(REFUSED))
    assert reasons.keys() == {"hit", "popularity", "tier", "song_optimization", "next_song"}
    needs = r"task popularity has [23]\d rows to train on and needs 50: "
    assert re.match(needs, reasons["popularity"])
    printed = summary_of(thirty)
    for reason in reasons.values():
        assert reason in printed
    assert printed.count("no rows to train on") == 2  # the tasks of chart songs


def test_a_build_of_thirty_tracks_has_everything_but_models(thirty):
    predicted = "select count(*), count(hit_probability) from fct_track_predictions"
    assert thirty.query(predicted) == [(30, 0)]
    assert thirty.query("select count(*) from ml.model_versions") == [(0,)]
    assert len(thirty.query("from rpt_playlist_profile"))
    with pytest.raises(duckdb.Error, match=r"task hit has no champion: see .*ml\.challengers"):
        thirty.query("select predict_hit(t) from dim_tracks t")


def test_a_task_is_trained_once_it_has_enough_data_and_keeps_its_models_after(
    thirty, sample_with_playlists
):
    write_raw(thirty, sample_with_playlists)
    thirty.build("--select", "+challengers")
    champions = thirty.query("select task, model_id from ml.champions order by task")
    assert {task for task, _ in champions} == {"hit", "popularity", "tier", "song_optimization"}
    write_raw(thirty, sample_with_playlists, lambda rows: rows[:40])
    for _ in range(2):
        thirty.build("--select", "+challengers")
    assert thirty.query("select task, model_id from ml.champions order by task") == champions
    assert re.search(r"has [34]\d rows to train on", dict(thirty.query(REFUSED))["popularity"])
    assert "when trained" in summary_of(thirty)
    refusals = "select refusal from ml.train_popularity where refusal is not null"
    assert len(thirty.query(refusals)) == 2  # of 30 and 40 rows: the same one is stored once
    write_raw(thirty, sample_with_playlists)
    thirty.build("--select", "+challengers")
    decided = "select model_id is not null from ml.challengers where task = 'popularity'"
    assert thirty.query(decided) == [(True,)]
    versions = "select distinct version from ml.model_versions where task = 'popularity'"
    assert sorted(thirty.query(versions)) == [(1,), (2,)]


def test_tracks_without_popularity_and_playlists_of_one_track(empty, sample_with_playlists):
    single = [one | {"tracks": one["tracks"][:1]} for one in playlists_of(sample_with_playlists)]
    write_raw(
        empty,
        sample_with_playlists,
        lambda rows: [row | {"popularity": "0"} for row in rows[:1_500]],
        single[:40],
    )
    empty.dbt("build")
    reasons = dict(empty.query(REFUSED))
    assert "popularity is 0 in all" in reasons["popularity"]
    assert "popularity is 0 in all" in reasons["song_optimization"]
    assert "is_hit is true in only 0 of 5 folds" in reasons["hit"]
    assert "no held-out playlist has a new track after its first three" in reasons["next_song"]
    assert empty.query("select count(*) > 1000 from dim_tracks") == [(True,)]


def test_a_score_of_few_playlists_says_that_it_tells_little(empty, sample_with_playlists):
    few = playlists_of(sample_with_playlists)[:40]
    write_raw(empty, sample_with_playlists, lambda rows: rows[:30], few)
    empty.build()
    ((groups, verdict),) = empty.query(
        "select held_out_groups, verdict from rpt_model_leaderboard inner join ml.model_metrics "
        "using (task, algorithm, version, metric) where task = 'next_song' and is_champion"
    )
    assert groups < 30
    assert verdict == (
        f"too little data to tell: measured on {groups} held-out groups, and 30 are needed"
    )
    (line,) = [line for line in summary_of(empty).splitlines() if "ndcg_10" in line]
    assert "too little data to tell" in line
    assert "±" not in line
