"""`hitparade tune`: what it reads, writes and prints."""

import io
import json
import re
import subprocess
import sys

import duckdb
import pytest
import yaml
from rich.console import Console
from typer.testing import CliRunner

from hitparade import cli, tune
from hitparade.warehouse import WarehouseError
from models_py import search
from models_py.examples import TrainingError
from models_py.search import Limits
from models_py.tasks import TASKS
from tests.unit.test_training import table
from tests.warehouse import ROOT

FEW = {"n_estimators": 50, "max_depth": 2}


@pytest.fixture
def songs(tmp_path, monkeypatch):
    """A database with only the tables that the search reads."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DBT_PROJECT_DIR", str(ROOT))
    database = tmp_path / "songs.duckdb"
    with duckdb.connect(database) as connection:
        connection.register("rows", table(TASKS["hit"]))
        connection.execute("create schema features")
        connection.execute("create schema staging")
        connection.execute("create schema ml")
        macro = ROOT / "dbt_project" / "macros" / "registry" / "create_registry.sql"
        trials = r"create table if not exists ml\.tuning_trials \(.*?\);"
        connection.execute(re.search(trials, macro.read_text(), re.S)[0])
        connection.execute("create table features.feat_hit as from rows")
        connection.execute("create table staging.genres (genre varchar)")
        connection.execute(
            "create table ml.model_versions as select *, 'trained' as origin from (values "
            f"('hit', 'xgboost', 1, '{{}}'), ('hit', 'xgboost', 2, '{json.dumps(FEW)}')"
            ") as t (task, algorithm, version, config)"
        )
    return database


def run(database, *algorithms, task="hit", **limits):
    """Return the output of the command."""
    console = Console(file=io.StringIO(), width=200)
    limits = Limits(**({"trials": 3} | limits))
    file = database.parent / "tuned" / "hit.yml"
    tune.run(console, database, task, algorithms or ("xgboost",), limits, file)
    return console.file.getvalue()


def query(database, sql):
    with duckdb.connect(database, read_only=True) as connection:
        return connection.execute(sql).fetchall()


def block(database):
    return yaml.safe_load((database.parent / "tuned" / "hit.yml").read_text())["algorithms"]


def test_the_holdout_stays_unseen(songs):
    """Wrong labels in the holdout change only the value on the holdout."""
    run(songs)
    clean = block(songs)
    with duckdb.connect(songs) as connection:
        connection.execute("update features.feat_hit set is_hit = random() < 0.5 where fold = 0")
    text = run(songs)
    assert block(songs) == clean
    one, other = (
        query(
            songs,
            f"select trial, state, params, value from ml.tuning_trials where run_id = '{name}' "
            "order by trial",
        )
        for (name,) in query(songs, "select distinct run_id from ml.tuning_trials")
    )
    assert one == other
    assert "on fold 0" in text


def test_trials_are_kept_in_sql_run_after_run(songs):
    run(songs)
    run(songs, seed=1)
    rows = query(
        songs,
        "select trial, is_present, params, metric, value between 0 and 1, standard_error > 0, "
        "seconds > 0, abs(date_diff('minute', started_at, now() at time zone 'UTC')) < 2, state "
        "from ml.tuning_trials where task = 'hit' and algorithm = 'xgboost' order by run_id, trial",
    )
    assert [row[:2] for row in rows] == [(0, True), (1, False), (2, False)] * 2
    assert json.loads(rows[0][2]) == FEW
    assert [row[3:] for row in rows] == [("roc_auc", True, True, True, True, "complete")] * 6
    best = query(
        songs,
        "select count(*), bool_and(value = top) from (select *, max(value) over (partition by "
        "run_id) as top from ml.tuning_trials) where is_best",
    )
    assert best == [(2, True)]


def test_present_settings_come_from_the_newest_version_then_from_the_yaml(songs):
    run(songs, trials=2)
    rows = query(songs, "select params from ml.tuning_trials order by trial")
    written = tune._written_settings("hit")["xgboost"]
    assert [json.loads(params) for (params,) in rows] == [FEW, written]


def test_without_a_version_present_settings_come_from_the_yaml(songs):
    with duckdb.connect(songs) as connection:
        connection.execute("delete from ml.model_versions")
    run(songs, trials=1)
    ((params,),) = query(songs, "select params from ml.tuning_trials where is_present")
    assert json.loads(params) == tune._written_settings("hit")["xgboost"]


def test_the_best_trial_is_printed_and_stored(songs):
    declared = ROOT / "tasks" / "hit.yml"
    before = declared.read_bytes()
    text = run(songs, trials=4)
    ((params,),) = query(songs, "select params from ml.tuning_trials where is_best")
    assert block(songs) == tune._written_settings("hit") | {"xgboost": json.loads(params)}
    assert (songs.parent / "tuned" / "hit.yml").read_text() in text
    assert declared.read_bytes() == before


def test_several_algorithms_share_the_time(songs, monkeypatch):
    clock = [0.0]

    def score(*_):
        clock[0] += 1
        return 0.5

    for module in (search, tune):
        monkeypatch.setattr(module, "monotonic", lambda: clock[0])
    monkeypatch.setattr(search, "_score", score)
    run(songs, "xgboost", "logistic_regression", trials=100, seconds=24)
    assert clock[0] == 24
    counts = query(
        songs,
        "select count(*) from ml.tuning_trials where state = 'complete' group by algorithm",
    )
    assert counts == [(3,), (3,)]


def test_an_interrupted_run_keeps_finished_trials_and_finished_algorithms(songs, monkeypatch):
    score, calls = search._score, []

    def stop(task, algorithm, *rest):
        calls.append(algorithm)
        if calls.count("xgboost") == 10:
            raise KeyboardInterrupt
        return score(task, algorithm, *rest)

    monkeypatch.setattr(search, "_score", stop)
    with pytest.raises(KeyboardInterrupt):
        run(songs, "logistic_regression", "xgboost", trials=4)
    counts = query(
        songs,
        "select algorithm, count(*), count(*) filter (is_best) from ml.tuning_trials "
        "group by all order by all",
    )
    assert counts == [("logistic_regression", 4, 1), ("xgboost", 2, 1)]
    assert block(songs)["xgboost"] == tune._written_settings("hit")["xgboost"]


def hold(database):
    """Start a program that has the database open for writing."""
    program = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True)"
    started = subprocess.Popen(
        [sys.executable, "-c", f"{program}; sys.stdin.read()", str(database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert started.stdout.readline() == b"held\n"
    return started


def test_a_locked_database_names_the_program_that_holds_it(songs):
    with hold(songs) as holder:
        with pytest.raises(WarehouseError, match=rf"PID {holder.pid}.*\nClose the program"):
            run(songs)
        holder.stdin.close()


def test_trials_survive_a_database_locked_during_the_search(songs, monkeypatch):
    holders, find = [], search.outcome

    def lock(*arguments):
        holders.append(hold(songs))
        return find(*arguments)

    monkeypatch.setattr(search, "outcome", lock)
    text = run(songs)
    assert f"PID {holders[0].pid}" in text
    holders[0].communicate()
    assert set(block(songs)) >= {"xgboost"}
    later = re.search(r"insert into ml\.tuning_trials by name from '.*'", text)[0]
    with duckdb.connect(songs) as connection:
        connection.execute(later)
    assert query(songs, "select count(*), count(value) from ml.tuning_trials") == [(3, 3)]


@pytest.mark.parametrize(
    ("task", "algorithm", "message"),
    [
        ("mood", "xgboost", "task mood cannot be tuned: use one of hit, log_streams"),
        ("hit", "prophet", "task hit has no algorithm prophet: use one of logistic_regression, r"),
        (
            "log_streams",
            "linear_regression",
            "no search space for linear_regression: models_py/spaces.py has one for random_",
        ),
        ("tier", "xgboost", "is not a finished warehouse of this version: run `hitparade build`"),
    ],
)
def test_an_unsearchable_task_or_algorithm_is_named(songs, task, algorithm, message):
    with pytest.raises((tune.TuneError, WarehouseError, TrainingError), match=message):
        run(songs, algorithm, task=task)


def test_an_untrainable_table_is_named(songs):
    with duckdb.connect(songs) as connection:
        connection.execute("delete from features.feat_hit where fold > 0 and track_id > '0040'")
    with pytest.raises(TrainingError, match=r"task hit has \d+ rows to train on and needs 50"):
        run(songs)


def test_a_search_without_enough_time_is_refused(songs):
    with pytest.raises(tune.TuneError, match="within 1e-09 seconds: allow more with `--seconds`"):
        run(songs, seconds=1e-9)


# The command on a warehouse that dbt built


@pytest.fixture
def command(small_copy, tmp_path, monkeypatch):
    """Run the command in a separate folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DBT_PROJECT_DIR", str(ROOT))
    monkeypatch.setenv("HITPARADE_DATABASE", str(small_copy.database))
    return lambda *arguments: CliRunner().invoke(cli.app, ["tune", *arguments])


def test_each_task_can_be_searched_between_builds(command, small_copy, tmp_path):
    before = small_copy.query("select model_id from ml.model_versions order by all")
    assert small_copy.query("select count(*) from ml.tuning_trials") == [(0,)]
    for task, algorithm in (("hit", "logistic_regression"), ("popularity", "ridge")):
        result = command(task, "--algorithm", algorithm, "--trials", "3")
        assert result.exit_code == 0, result.output
        assert "3/3" in result.output
        assert (
            algorithm
            in yaml.safe_load((tmp_path / "tuned" / f"{task}.yml").read_text())["algorithms"]
        )
    trials = small_copy.query(
        "select task, count(*), count(*) filter (is_present), count(*) filter (is_best) "
        "from ml.tuning_trials group by all order by all"
    )
    assert trials == [("hit", 3, 1, 1), ("popularity", 3, 1, 1)]
    assert small_copy.query("select model_id from ml.model_versions order by all") == before


def test_an_interrupted_command_says_what_is_kept(command, small_copy, monkeypatch):
    score, calls = search._score, []

    def stop(*arguments):
        calls.append(arguments)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return score(*arguments)

    monkeypatch.setattr(search, "_score", stop)
    result = command("hit", "--algorithm", "logistic_regression")
    assert result.exit_code == 130
    assert "Stopped. Finished trials are in ml.tuning_trials" in result.output
    assert small_copy.query("select count(*) from ml.tuning_trials") == [(1,)]


@pytest.mark.parametrize("option", ["--trials", "--seconds"])
def test_options_below_one_are_refused(command, option):
    result = command("hit", option, "0")
    assert result.exit_code == 2
    assert f"Invalid value for '{option}'" in result.output


def test_a_missing_warehouse_is_reported_with_the_next_step(command, monkeypatch):
    monkeypatch.setenv("HITPARADE_DATABASE", "none.duckdb")
    result = command("hit")
    assert result.exit_code == 1
    assert "none.duckdb: run `hitparade build`" in result.output
