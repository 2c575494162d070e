"""What `dbt build` keeps, trains, promotes and scores, and what it does not change."""

import json
import re
import shutil

import duckdb
import pytest

from models_py.song_optimization.training import ALGORITHMS
from models_py.tasks import TASKS
from tests.e2e.records import rewrite
from tests.warehouse import Warehouse, copy_project
from udfs.registry.operations import renew_served_models

pytestmark = pytest.mark.slow

# The tasks that the small sample is large enough for.
LEARNED = (*TASKS, "song_optimization")
VERSIONS = "select task, algorithm, version, model_id from ml.model_versions order by all"
METRICS = "select * from ml.model_metrics order by all"
CHAMPIONS = "select task, model_id, reason from ml.champions order by all"
TRACKS = "select * from fct_track_predictions order by track_id"
SCORING = ["--select", "staging", "intermediate", "features", "predictions", "marts"]


def test_an_unchanged_build_trains_and_scores_nothing(small_copy, small_sample):
    before = [small_copy.query(query) for query in (VERSIONS, METRICS, CHAMPIONS, TRACKS)]
    small_copy.build(HITPARADE_SAMPLE=str(small_sample))
    after = [small_copy.query(query) for query in (VERSIONS, METRICS, CHAMPIONS, TRACKS)]
    assert after == before


def test_a_build_leaves_no_unexpected_tables(small_copy, small_sample):
    tables = "select schema_name, table_name from duckdb_tables() order by all"
    earlier = small_copy.query(tables)
    small_copy.dbt("build", HITPARADE_SAMPLE=str(small_sample))
    assert small_copy.query(tables) == earlier


def test_two_builds_from_scratch_are_equal(small_warehouse, small_sample, empty):
    empty.build(HITPARADE_SAMPLE=str(small_sample))
    for query in (VERSIONS, METRICS, CHAMPIONS):
        assert empty.query(query) == small_warehouse.query(query)


def test_a_full_refresh_keeps_the_registry(small_copy, small_sample):
    before = [small_copy.query(query) for query in (VERSIONS, CHAMPIONS)]
    small_copy.build("--full-refresh", HITPARADE_SAMPLE=str(small_sample))
    assert [small_copy.query(query) for query in (VERSIONS, CHAMPIONS)] == before


def test_a_changed_label_retrains_only_its_task_and_gets_a_new_champion(small_copy, small_sample):
    small_copy.dbt("build", "--vars", "hit_cut: 50", HITPARADE_SAMPLE=str(small_sample))
    newest = "select task, max(version) from ml.model_versions group by task"
    assert dict(small_copy.query(newest)) == {task: 1 + (task == "hit") for task in LEARNED}
    champion = "select version, reason from ml.champions inner join ml.model_versions"
    assert small_copy.query(f"{champion} using (task, model_id) where task = 'hit'") == [
        (2, "the earlier champion has other inputs, label or split")
    ]
    # The best achievable score of the sample is for the default cut, so none is stored here.
    ceilings = "select distinct ceiling from ml.model_metrics where task = 'hit' and version = 2"
    assert small_copy.query(ceilings) == [(None,)]


def test_another_split_does_not_compare_with_earlier_champions(small_copy, small_sample):
    small_copy.build("--vars", "folds: 4", HITPARADE_SAMPLE=str(small_sample))
    incumbents = "select distinct incumbent_model_id from ml.model_versions where version = 2"
    assert small_copy.query(incumbents) == [(None,)]
    versions = (
        "select task, version from ml.champions inner join ml.model_versions using (task, model_id)"
    )
    # Song optimization is split by artist into its own parts.
    expected = dict.fromkeys(TASKS, 2) | {"song_optimization": 1}
    assert dict(small_copy.query(versions)) == expected


def test_new_rows_are_trained_on_and_the_champion_is_scored_on_held_out_rows(
    small_copy, new_sample
):
    (champion,) = small_copy.query("select model_id from ml.champions where task = 'log_streams'")[
        0
    ]
    rewrite(new_sample / "spotify-2023.csv", lambda rows: rows[:-20])
    small_copy.build(HITPARADE_SAMPLE=str(new_sample))
    rows = small_copy.query(
        "select incumbent_model_id, incumbent_holdout between 0.5 and 3 from ml.model_versions "
        "where task = 'log_streams' and version = 2"
    )
    assert rows == [(champion, True)] * 3


def test_a_champion_that_does_not_beat_the_baseline_is_retired(small_copy, small_sample):
    def without_signal(rows):
        for i, row in enumerate(rows):
            if row["streams"].isdigit():
                row["streams"] = str(1000 + i * 7919 % 100003)
        return rows

    small_copy.raw.mkdir(exist_ok=True)
    shutil.copy(small_sample / "spotify-2023.csv", small_copy.raw)
    rewrite(small_copy.raw / "spotify-2023.csv", without_signal)
    small_copy.build(HITPARADE_SAMPLE=str(small_sample))

    promotions = "select model_id, reason from ml.promotions where task = 'log_streams'"
    assert small_copy.query(f"{promotions} order by promoted_at desc limit 1") == [
        (None, "the champion is no better than the baseline, and neither is any other model")
    ]
    with pytest.raises(duckdb.Error, match="task log_streams has no champion"):
        small_copy.query("select predict_streams(t) from dim_songs t limit 1")
    kept = "select count(*) > 0, count(log_streams), count(streams), count(log_streams_model_id)"
    assert small_copy.query(f"{kept} from fct_song_predictions") == [(True, 0, 0, 0)]
    others = "select count(distinct task) from ml.champions where task in ('hit', 'tier')"
    assert small_copy.query(others) == [(2,)]
    assert small_copy.query("select count(tier) > 0 from fct_track_predictions") == [(True,)]


def test_new_and_changed_tracks_are_scored_and_deleted_ones_dropped(small_copy, new_sample):
    def change(rows):
        kept = [row for row in rows if row["track_id"] != gone]
        for row in kept:
            if row["track_id"] == changed:
                row["energy"] = "0.123"
        return [*kept, kept[-1] | {"track_id": "new" * 7 + "x", "track_name": "New"}]

    before = {row[0]: row for row in small_copy.query(TRACKS)}
    gone, changed = list(before)[:2]
    rewrite(new_sample / "dataset.csv", change)
    small_copy.build(*SCORING, HITPARADE_SAMPLE=str(new_sample))
    after = {row[0]: row for row in small_copy.query(TRACKS)}

    assert set(before) - set(after) == {gone}
    assert set(after) - set(before) == {"new" * 7 + "x"}
    touched = {key for key in set(before) & set(after) if before[key] != after[key]}
    assert touched == {changed}
    assert after[changed][1] == pytest.approx(
        small_copy.query(f"select predict_hit(t) from dim_tracks t where track_id = '{changed}'")[
            0
        ][0],
        rel=1e-5,
    )


def test_a_promotion_scores_every_track_again(small_copy, small_sample):
    (other,) = small_copy.query(
        "select model_id from ml.model_versions where task = 'hit' and model_id not in "
        "(select model_id from ml.champions) order by model_id limit 1"
    )[0]
    small_copy.dbt("run-operation", "promote", "--args", f"{{task: hit, model_id: {other}}}")
    small_copy.build(*SCORING, HITPARADE_SAMPLE=str(small_sample))
    stamps = "select distinct hit_model_id from fct_track_predictions"
    assert small_copy.query(stamps) == [(other,)]


def test_the_serving_table_has_every_model(small_warehouse):
    served = small_warehouse.query(
        "select task, algorithm, kind, is_newest from ml.served_models "
        "where task <> 'song_optimization' order by task, algorithm"
    )
    kinds = {"linear_regression": "linear", "logistic_regression": "linear", "ridge": "linear"}
    kinds |= {"mlp": "net", "hybrid": "net", "random_forest": "trees", "xgboost": "trees"}
    assert served == sorted(
        (task.name, algorithm, kinds[algorithm], True)
        for task in TASKS.values()
        for algorithm in task.algorithms
    )
    # These run only on ONNX Runtime, and the held-out evaluator is looked up here.
    served = small_warehouse.query(
        "select algorithm, kind, is_newest from ml.served_models "
        "where task = 'song_optimization' order by algorithm"
    )
    assert served == [(name, None, True) for name in sorted(ALGORITHMS)]


def test_every_metric_has_a_correct_baseline(warehouse):
    metrics = warehouse.query(
        "select metric, baseline_mean, mean, sd, folds from ml.model_metrics "
        "where task = 'hit' and algorithm = 'xgboost'"
    )
    by_name = {row[0]: row[1:] for row in metrics}
    assert by_name["roc_auc"][0] == pytest.approx(0.5)
    (share,) = warehouse.query("select avg(is_hit::int) from features.feat_hit")[0]
    assert by_name["accuracy"][0] == pytest.approx(max(share, 1 - share), abs=0.01)
    assert all(sd > 0 and folds == 5 for _, _, sd, folds in by_name.values())


def test_a_score_above_the_best_achievable_one_fails_the_build_until_it_is_fixed(
    empty, new_sample, small_sample
):
    def change(rows):
        unreachable = {"roc_auc": "0.51", "accuracy": "1", "rmse": "0.01", "log_loss": "0.01"}
        return [row | {"ceiling": unreachable.get(row["metric"], row["ceiling"])} for row in rows]

    rewrite(new_sample / "ceilings.csv", change)
    result = empty.dbt("build", HITPARADE_SAMPLE=str(new_sample), check=False)
    assert result.returncode
    assert "no_model_beats_the_ceiling" in result.stdout
    leaks = "select distinct task from ml.model_metrics where is_above_ceiling order by task"
    assert empty.query(leaks) == [("hit",)]

    empty.build(HITPARADE_SAMPLE=str(small_sample))
    assert 0 < empty.query("select predict_hit(0.5, 0.6, 0.7, 120)")[0][0] < 1


def test_no_model_of_the_sample_beats_the_best_achievable_score(warehouse):
    rows = warehouse.query(
        "select ceiling, is_above_ceiling from ml.model_metrics "
        "where is_primary and task <> 'song_optimization'"  # its best achievable score is unknown
    )
    assert all(ceiling is not None and not is_above for ceiling, is_above in rows)


def test_a_task_without_a_champion_names_the_next_step(small_copy):
    with duckdb.connect(small_copy.database) as connection:
        connection.execute("delete from ml.promotions where task = 'hit'")
        renew_served_models(connection)
        with pytest.raises(duckdb.Error, match="task hit has no champion: see"):
            connection.execute("select predict_hit(0.5, 0.6, 0.7, 120)")
        assert connection.execute("select predict_streams(t) from dim_songs t").fetchall()


def test_dbt_commands_work_from_the_root(small_copy, small_sample):
    sample = str(small_sample)
    shown = small_copy.dbt(
        "show",
        "--inline",
        "select predict_hit(0.5, 0.6, 0.7, 120) as p",
        "--output",
        "json",
        HITPARADE_SAMPLE=sample,
    )
    (row,) = json.loads(shown.stdout[shown.stdout.index("{") :])["show"]
    assert 0 < row["p"] < 1
    small_copy.dbt("docs", "generate", HITPARADE_SAMPLE=sample)
    small_copy.dbt("test", HITPARADE_SAMPLE=sample)


@pytest.mark.parametrize("name", ["my-songs", "full"])
def test_a_database_name_that_is_invalid_in_sql_is_refused(empty, name):
    database = str(empty.folder / f"{name}.duckdb")
    result = empty.dbt("build", check=False, HITPARADE_DATABASE=database)
    assert result.returncode
    assert f"the database file is named '{name}', which is not a valid name in SQL" in result.stdout


def test_an_untrainable_task_says_why_and_does_not_stop_the_others(empty, new_sample):
    def hits_only(rows):
        return [row | {"popularity": "99"} for row in rows]

    rewrite(new_sample / "dataset.csv", hits_only)
    # The best achievable scores of the sample are not valid for the changed rows.
    build = ("build", "--exclude", "no_model_beats_the_ceiling")
    result = empty.dbt(*build, HITPARADE_SAMPLE=str(new_sample))
    reason = "is_hit is false in only 0 of 5 folds, and 5 are needed: add data"
    assert reason in result.stdout
    assert "SKIP" not in re.sub(r"SKIP=\d+", "", result.stdout)
    (decision,) = empty.query("select decision, reason from ml.challengers where task = 'hit'")
    assert decision[0] == "refuse"
    assert reason in decision[1]
    assert empty.query("select predict_streams(t) > 0 from dim_songs t limit 1") == [(True,)]
    assert empty.query("select count(*) > 0 from fct_track_predictions") == [(True,)]


def test_a_failed_training_stores_its_error_without_a_traceback(small_copy):
    project = copy_project(small_copy.folder / "project")
    model = project / "dbt_project" / "models" / "training" / "generated" / "train_hit.py"
    head = "def model(dbt, session):\n"
    assert head in model.read_text()
    model.write_text(model.read_text().replace(head, f"{head}    raise ValueError('no luck')\n"))
    Warehouse(small_copy.folder, project).dbt("run", "--select", "train_hit", check=False)
    said = "select message from ml.runs where node = 'model.train_hit' and status = 'error'"
    assert small_copy.query(said) == [("Python model failed: ValueError: no luck",)]


def test_an_unpinned_champion_stays_until_it_is_compared(small_copy, small_sample):
    other = "select model_id from ml.model_versions where task = 'hit' and algorithm = '{}'"
    ((model_id,),) = small_copy.query(other.format("logistic_regression"))
    arguments = f"{{task: hit, model_id: '{model_id}', reason: it's ours}}"
    small_copy.dbt("run-operation", "promote", "--args", arguments)
    small_copy.dbt("run-operation", "unpin", "--args", "{task: hit}")
    state = "select model_id, is_pinned, is_manual, reason from ml.champions where task = 'hit'"
    assert small_copy.query(state) == [(model_id, False, True, "unpinned")]
    small_copy.build(HITPARADE_SAMPLE=str(small_sample))
    better = "select algorithm, reason from ml.champions inner join ml.model_versions"
    ((algorithm, reason),) = small_copy.query(f"{better} using (task, model_id) where task = 'hit'")
    assert algorithm != "logistic_regression"
    assert reason == "better than the champion on held-out rows"


def test_an_operation_on_an_unknown_task_is_refused(small_copy):
    result = small_copy.dbt("run-operation", "unpin", "--args", "{task: mood}", check=False)
    assert result.returncode
    assert "task mood has no champion: see select * from ml.promotions" in result.stdout


def test_the_file_has_a_storage_version_that_older_clients_read(small_warehouse: Warehouse):
    (tags,) = small_warehouse.query(
        "select tags from duckdb_databases() where database_name = 'warehouse'"
    )[0]
    assert tags["storage_version"].startswith("v1.5.0")


def test_the_leaderboard_keeps_a_champion_that_is_not_the_newest_version(small_copy, small_sample):
    with duckdb.connect(small_copy.database) as connection:
        connection.execute(
            "insert into ml.train_tier by name select * replace (2 as version, "
            "'ffffffffffff' as model_id) from ml.train_tier "
            "where model_id in (select model_id from ml.champions)"
        )
    small_copy.build(HITPARADE_SAMPLE=str(small_sample))
    board = (
        "select version, is_champion from rpt_model_leaderboard where task = 'tier' and algorithm "
        "in (select algorithm from rpt_model_leaderboard where task = 'tier' and is_champion) "
        "order by version"
    )
    assert small_copy.query(board) == [(1, True), (2, False)]
    shares = (
        "select distinct round(sum(share_of_actual), 6) from rpt_tier_confusion "
        "group by algorithm, version, actual having sum(row_count) > 0"
    )
    assert small_copy.query(shares) == [(1.0,)]
