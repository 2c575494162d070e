"""Champions, traffic and pruning by Python, the command line and dbt."""

import json
import subprocess
import sys

import duckdb
import pytest

import udfs
from models_py.tasks import TASKS
from tests.e2e.registry import CHAMPION, champion, hitparade, model, other
from tests.e2e.test_runtime import value
from tests.hand_models import net
from tests.warehouse import ROOT
from udfs.registry import operations


def by_python(warehouse, operation: str, *arguments: str) -> None:
    with duckdb.connect(warehouse.database) as connection:
        getattr(udfs, operation)(connection, *arguments)


def by_command(warehouse, operation: str, *arguments: str) -> None:
    result = hitparade(warehouse, operation, *arguments)
    assert result.exit_code == 0, result.output


def by_dbt(warehouse, operation: str, *arguments: str) -> None:
    names = {"promote": ("task", "model_id"), "prune": ("keep",)}.get(operation, ("task",))
    values = json.dumps(dict(zip(names, arguments, strict=True)))
    warehouse.dbt("run-operation", operation, "--args", values)


WAYS = pytest.mark.parametrize("do", [by_python, by_command, by_dbt])


@pytest.mark.parametrize(
    "do", [by_python, by_command, pytest.param(by_dbt, marks=pytest.mark.slow)]
)
def test_champions_are_promoted_and_rolled_back(small_copy, do):
    first, second = champion(small_copy), other(small_copy)
    do(small_copy, "promote", "hit", second)
    do(small_copy, "rollback", "hit")
    assert champion(small_copy) == first
    do(small_copy, "rollback", "hit")
    do(small_copy, "unpin", "hit")
    do(small_copy, "pin", "hit")
    assert small_copy.query(
        "select model_id, reason, is_manual, is_pinned from ml.promotions where task = 'hit' "
        "order by promoted_at offset 1"
    ) == [
        (second, "by hand", True, True),
        (first, "rolled back", True, True),
        (second, "rolled back", True, True),
        (second, "unpinned", True, False),
        (second, "pinned", True, True),
    ]


@pytest.mark.parametrize("do", [by_python, pytest.param(by_dbt, marks=pytest.mark.slow)])
def test_a_promotion_creates_the_functions_again(small_copy, do):
    calls = "predict_hit(0.5, 0.6, 0.7, 120), assigned_model('hit', 1)"
    first, second = champion(small_copy), other(small_copy)
    ((before, _),) = small_copy.query(f"select {calls}")
    comments = (
        "select function_name, comment from duckdb_functions() "
        "where database_name = current_database() and not internal order by all"
    )
    described = small_copy.query(comments)
    do(small_copy, "promote", "hit", second)
    ((after, assigned),) = small_copy.query(f"select {calls}")
    assert after == pytest.approx(
        small_copy.query(f"select onnx_predict('{second}', [0.5, 0.6, 0.7, 120])[2]")[0][0]
    )
    assert (after != before, assigned) == (True, second)
    assert small_copy.query("select name from ml.stamped_functions where is_stale") == []
    assert small_copy.query(comments) == described
    do(small_copy, "promote", "hit", first)
    assert small_copy.query(f"select {calls}") == [(before, first)]


@pytest.mark.parametrize("register", [lambda connection: None, udfs.register])
def test_prepared_statements_and_views_follow_a_promotion(small_copy, register):
    second = other(small_copy)
    with duckdb.connect(small_copy.database) as connection:
        register(connection)
        connection.execute("create view asked as select predict_hit(0.5, 0.6, 0.7, 120) as hit")
        connection.execute("prepare asked as select predict_hit(0.5, $1, 0.7, 120)")
        before = connection.execute("execute asked(0.6)").fetchall()
        assert connection.execute("from asked").fetchall() == before
        udfs.promote(connection, "hit", second)
        after = connection.execute("execute asked(0.6)").fetchall()
        assert after != before
        assert connection.execute("from asked").fetchall() == after


@pytest.mark.slow
def test_a_function_that_the_project_no_longer_has_is_dropped(small_copy, small_sample):
    with duckdb.connect(small_copy.database) as connection:
        connection.execute("create macro predict_gone(x) as x")
        connection.execute(
            "insert into ml.function_definitions values ('main.predict_gone', 'x', 'x', 'x')"
        )
    small_copy.dbt("run", "--select", "genres", HITPARADE_SAMPLE=str(small_sample))
    gone = "select count(*) from duckdb_functions() where function_name = 'predict_gone'"
    assert small_copy.query(gone) == [(0,)]
    assert small_copy.query(
        "select count(*) from ml.function_definitions where name like '%gone'"
    ) == [(0,)]
    assert small_copy.query("select count(*) > 40 from ml.function_definitions") == [(True,)]


def test_a_failed_promotion_leaves_the_functions(small_copy, monkeypatch):
    functions = "select function_name, macro_definition from duckdb_functions() order by all"
    before, second = small_copy.query(functions), other(small_copy)
    statement = "update ml.function_definitions set statement = 'x' where name = 'no such' or $name"
    monkeypatch.setattr(operations, "RECORD_FUNCTION", statement)
    with (
        duckdb.connect(small_copy.database) as connection,
        pytest.raises(udfs.ModelError, match="registry could not be written and is unchanged"),
    ):
        udfs.promote(connection, "hit", second)
    assert small_copy.query(functions) == before


@pytest.fixture
def grown(small_copy):
    """A registry with four versions of logistic regression for hit; none is champion."""
    by_python(small_copy, "promote", "hit", model(small_copy, "xgboost"))
    by_python(small_copy, "promote", "hit", model(small_copy, "random_forest"))
    with duckdb.connect(small_copy.database) as connection:
        for version, model_id in enumerate(["second", "third", "fourth"], 2):
            connection.execute(
                "insert into ml.train_hit by name select * replace (? as model_id, ? as version) "
                "from ml.train_hit where algorithm = 'logistic_regression' and version = 1",
                [model_id, version],
            )
        udfs.unpin(connection, "hit")  # a build updates the serving table
    return small_copy


def bytes_of(warehouse) -> dict[str, bool]:
    """Return whether each version of logistic regression still has its bytes."""
    return dict(
        warehouse.query(
            "select version, onnx is not null and portable is not null and pruned_at is null "
            "from ml.registry where task = 'hit' and algorithm = 'logistic_regression'"
        )
    )


@WAYS
def test_pruning_drops_the_bytes_of_unused_models(grown, do):
    known = grown.query("select * exclude (pruned_at) from ml.model_versions order by all")
    arguments = ("--keep", "2") if do is by_command else (2,)
    artifacts = grown.query("select count(*) from ml.model_artifacts")[0][0]
    do(grown, "prune", *arguments)
    assert bytes_of(grown) == {1: False, 2: False, 3: True, 4: True}
    assert grown.query("select * exclude (pruned_at) from ml.model_versions order by all") == known
    assert grown.query("select count(*) from ml.model_artifacts")[0][0] == artifacts - 2


@pytest.mark.parametrize("use", ["champion", "champion before", "prediction", "traffic"])
def test_pruning_keeps_used_models(grown, use):
    first = model(grown, "logistic_regression")
    with duckdb.connect(grown.database) as connection:
        if use in ("champion", "champion before"):
            udfs.promote(connection, "hit", first)
        if use == "champion before":
            udfs.promote(connection, "hit", model_id := "fourth")
            assert connection.execute(CHAMPION).fetchall() == [(model_id,)]
        if use == "prediction":
            connection.execute(
                "update fct_track_predictions set hit_model_id = ? where track_id in "
                "(select track_id from fct_track_predictions limit 1)",
                [first],
            )
        if use == "traffic":
            udfs.assign(connection, "hit", first, 0.1)
        gone = udfs.prune(connection, 1)
    assert {version for _, _, version, _ in gone} == {2, 3}
    assert bytes_of(grown)[1]


def test_a_dry_run_prunes_nothing(grown):
    result = hitparade(grown, "prune", "--keep", "1", "--dry-run")
    assert "3 models" in result.output
    assert all(bytes_of(grown).values())


def test_pruning_does_not_touch_tables_of_the_user(grown):
    with duckdb.connect(grown.database) as connection:
        connection.execute("create table ml.train_hit_backup as from ml.train_hit")
        udfs.prune(connection, 1)
        lost = "select count(*) from ml.train_hit_backup where onnx is null"
        assert connection.execute(lost).fetchall() == [(0,)]


def test_pruning_keeps_models_that_a_table_of_the_user_names(grown):
    """Stored predictions of one's own are read with the model that made them."""
    with duckdb.connect(grown.database) as connection:
        connection.execute("create schema mine")
        connection.execute("create table mine.\"fct loans\" as select 'second' as hit_model_id")
        kept = "select onnx is not null from ml.train_hit where model_id = 'second'"
        udfs.prune(connection, 1)
        assert connection.execute(kept).fetchall() == [(True,)]
    grown.dbt("run-operation", "prune", "--args", "{keep: 1}")
    assert grown.query(kept) == [(True,)]


def test_a_pruned_model_is_refused_by_name(grown):
    with duckdb.connect(grown.database) as connection:
        udfs.prune(connection, 1)
        with pytest.raises(udfs.ModelError, match="second was pruned, and its bytes are gone"):
            udfs.promote(connection, "hit", "second")
        udfs.register(connection)
        with pytest.raises(duckdb.Error, match="no model second is in the registry"):
            connection.execute("select onnx_predict('second', [1, 2, 3, 4])").fetchall()


def test_every_open_session_sees_a_promotion_immediately(small_copy):
    second = other(small_copy)
    with duckdb.connect(small_copy.database) as one:
        sessions = [one.cursor() for _ in range(4)]
        for session in sessions[2:]:
            udfs.register(session)
        before = [value(session) for session in sessions]
        udfs.promote(one, "hit", second)
        after = [value(session) for session in sessions]
        ((expected,),) = one.execute(
            "select onnx_predict(?, [0.5, 0.6, 0.7, 120])[2]", [second]
        ).fetchall()
        for session in sessions:
            session.close()
    assert after == pytest.approx([expected] * 4, rel=1e-6)
    assert before != pytest.approx(after, rel=1e-3)


def test_stale_predictions_are_printed_and_listed(small_copy):
    assert small_copy.query("from ml.stale_predictions") == []
    first, second = champion(small_copy), other(small_copy)
    ((tracks,),) = small_copy.query("select count(*) from fct_track_predictions")
    said = hitparade(small_copy, "promote", "hit", second).output
    assert (
        f"{tracks} rows of fct_track_predictions are stale, because another model scored them"
        in said
    )
    assert small_copy.query("from ml.stale_predictions") == [
        ("fct_track_predictions", "hit", first, tracks, second)
    ]
    said = small_copy.dbt("run-operation", "rollback", "--args", "{task: hit}").stdout
    assert f"task hit: champion is now {first}" in said
    said = small_copy.dbt("run-operation", "rollback", "--args", "{task: hit}").stdout
    assert f"{tracks} rows of fct_track_predictions are stale" in said


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("promote", "hit", "nosuch"), "task hit has no model nosuch: see `hitparade models hit`"),
        (
            ("rollback", "tier"),
            "task tier has no earlier champion: promote a model, such as one of",
        ),
        (("pin", "mood"), "there is no task mood: those with models are hit, log_streams"),
        (("promote", "hti", "nosuch"), "there is no task hti: those with models are hit,"),
        (("models", "hti"), "task hti has no models: see `hitparade models`"),
        (("unregister", "nosuch"), "no model nosuch was registered"),
        (("function", "hit"), "task hit is trained in this project: change tasks/hit.yml"),
        (("prune", "--keep", "0"), "keep must be a whole number of at least 1, got 0"),
        (
            ("show", "nosuch"),
            "nosuch is neither a model of the registry nor a task with a champion",
        ),
        (("assign", "hit", "nosuch", "0.1"), "task hit has no model nosuch"),
    ],
)
def test_an_impossible_command_says_why(small_copy, arguments, sentence):
    result = hitparade(small_copy, *arguments)
    assert result.exit_code == 1
    assert sentence in result.output.replace("\n", " ")


def test_a_read_only_connection_cannot_promote(small_warehouse):
    with duckdb.connect(small_warehouse.database, read_only=True) as connection:
        for call in (
            lambda: udfs.promote(connection, "hit", other(small_warehouse)),
            lambda: udfs.pin(connection, "hit"),
            lambda: udfs.unpin(connection, "hit"),
            lambda: udfs.register_model(connection, net(), task="mood", inputs=["a", "b"]),
            lambda: udfs.assign(connection, "hit", other(small_warehouse), 0.1),
        ):
            with pytest.raises(udfs.ModelError, match="opened read-only"):
                call()


def test_a_locked_database_names_the_program_that_holds_it(small_copy):
    program = (
        "import sys, duckdb; c = duckdb.connect(sys.argv[1]); print('open', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, small_copy.database],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    ) as holder:
        holder.stdout.readline()
        result = hitparade(small_copy, "promote", "hit", "any")
        holder.stdin.close()
    assert result.exit_code == 1
    assert f"PID {holder.pid}" in result.output
    assert "Close the program that has the file open" in result.output


def test_an_open_transaction_of_the_caller_is_not_committed(small_copy):
    second = other(small_copy)
    with duckdb.connect(small_copy.database) as connection:
        connection.begin()
        connection.execute("create table mine (a integer)")
        with pytest.raises(udfs.ModelError, match="commit it or roll it back first"):
            udfs.promote(connection, "hit", second)
        connection.commit()
        assert connection.execute("select count(*) from mine").fetchall() == [(0,)]
    assert champion(small_copy) != second


def test_a_promotion_is_later_than_all_others_even_if_the_clock_runs_back(small_copy):
    second = other(small_copy)
    with duckdb.connect(small_copy.database) as connection:
        connection.execute("update ml.promotions set promoted_at = promoted_at + interval 1 day")
        udfs.promote(connection, "hit", second)
    assert champion(small_copy) == second


# Listing and showing models


def test_models_lists_the_use_of_each_model(small_copy):
    second = other(small_copy)
    hitparade(small_copy, "promote", "hit", second)
    rows = json.loads(hitparade(small_copy, "models", "hit", "--json").output)
    assert {row["task"] for row in rows} == {"hit"}
    assert {row["model_id"] for row in rows if row["status"] == "champion, pinned"} == {second}
    shown = hitparade(small_copy, "models").output
    assert all(row["model_id"] in shown for row in rows)


def test_show_prints_metrics_inputs_and_promotions(small_warehouse):
    model_id = champion(small_warehouse)
    found = json.loads(hitparade(small_warehouse, "show", model_id, "--json").output)
    inputs = "Inputs, in order"
    assert list(found)[1:] == ["Registry entries", "Metrics", inputs, "Promotions"]
    assert found["Metrics"][0]["metric"] == "roc_auc"
    assert [row["name"] for row in found[inputs]] == list(TASKS["hit"].inputs)
    assert len(found["Promotions"]) == 1
    assert model_id in hitparade(small_warehouse, "show", model_id).output
