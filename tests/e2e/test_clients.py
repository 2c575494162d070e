"""A finished file answers in any DuckDB client, without anything of this project installed."""

import json
import shutil

import duckdb
import pytest
import sqlalchemy
import yaml

import udfs
from tests.e2e import clients
from tests.warehouse import ROOT, Warehouse

pytestmark = pytest.mark.slow

TRACK = "0.5, 0.6, 0.7, 120"
NAMED_TRACK = "tempo := 120, valence := 0.7, danceability := 0.5, energy := 0.6"
CHART_SONG = "120, 70, 50, 60, 20, 0, 15, 8"
CALLS = [
    f"predict_hit({TRACK})",
    f"predict_hit({NAMED_TRACK})",
    f"predict_hit_by('logistic_regression', {TRACK})",
    f"predict_hit_by('random_forest', {TRACK})",
    f"predict_hit_by('xgboost', {TRACK})",
    f"predict_log_streams({CHART_SONG})",
    f"predict_log_streams_by('linear_regression', {CHART_SONG})",
    f"predict_log_streams_by('random_forest', {CHART_SONG})",
    f"predict_log_streams_by('xgboost', {CHART_SONG})",
    f"predict_streams({CHART_SONG})",
]
CHAMPION = "select model_id from ml.champions where task = 'hit'"
EMPTY_AFTER_A_FIRST_BUILD = {
    "ml.example_values",
    "ml.previous_champions",
    "ml.prunable_models",
    "ml.refused_trainings",
    "ml.replaced_champions",
    "ml.stale_predictions",
    "ml.unusual_amounts",
    "main.rpt_incidents",
    "main.rpt_unknown_genres",
}
FUNCTIONS = sorted((ROOT / "udfs" / "functions").rglob("*.yml"))


@pytest.fixture(params=list(clients.COMMANDS))
def ask(request):
    """ask(database, sql): the rows that a client returns."""
    if not clients.is_fetched(request.param):
        pytest.skip(f"the client {request.param} is not in .clients: run `make clients`")
    return lambda database, sql: clients.query(request.param, database, sql)


@pytest.fixture(scope="module")
def runner_up(warehouse) -> dict:
    """The newest hit model of an algorithm other than the champion's."""
    [(algorithm, model_id)] = warehouse.query(
        "select algorithm, model_id from ml.served_models "
        f"where task = 'hit' and is_newest and model_id <> ({CHAMPION}) order by 1 limit 1"
    )
    return {"algorithm": algorithm, "model_id": model_id}


@pytest.fixture(scope="module")
def promoted(warehouse, runner_up, tmp_path_factory) -> Warehouse:
    """A copy of the warehouse in which the runner-up was promoted."""
    folder = tmp_path_factory.mktemp("promoted")
    shutil.copytree(warehouse.folder, folder, dirs_exist_ok=True)
    changed = Warehouse(folder)
    promote(changed, runner_up["model_id"])
    return changed


def promote(warehouse: Warehouse, model_id: str, check: bool = True, **more: str):
    arguments = json.dumps({"task": "hit", "model_id": model_id} | more)
    return warehouse.dbt("run-operation", "promote", "--args", arguments, check=check)


def close_to(expected):
    return pytest.approx(expected, rel=1e-6, abs=1e-6)


# The clients


def test_clients_are_older_than_the_duckdb_that_wrote_the_file(ask, warehouse):
    assert ask(warehouse.database, "select version() as answer") == [{"answer": clients.VERSION}]
    assert warehouse.query("select version()") != [(clients.VERSION,)]


# One row


@pytest.mark.parametrize("call", CALLS)
def test_a_call_answers_as_in_this_process(ask, warehouse, call):
    sql = f"select {call} as answer"
    [(expected,)] = warehouse.query(sql)
    assert expected is not None
    assert ask(warehouse.database, sql) == [{"answer": close_to(expected)}]


def test_named_arguments_may_come_in_any_order(ask, warehouse):
    sql = f"select predict_hit({TRACK}) = predict_hit({NAMED_TRACK}) as answer"
    assert ask(warehouse.database, sql) == [{"answer": True}]


def test_onnx_predict_with_the_champion_equals_predict_hit(ask, warehouse):
    [(model_id,)] = warehouse.query(CHAMPION)
    sql = f"select onnx_predict('{model_id}', [{TRACK}])[2] = predict_hit({TRACK}) as answer"
    assert ask(warehouse.database, sql) == [{"answer": True}]


@pytest.mark.parametrize(
    ("track", "starts"),
    [
        (TRACK, []),
        ("0.5, 0.6, 0.7, 999", ["tempo is 999.0, outside the range seen in training"]),
        ("null, 0.6, 0.7, 120", ["danceability is missing"]),
        ("null, 0.6, 7, 120", ["danceability is missing", "valence is 7.0, outside the range"]),
    ],
    ids=["usual", "unusual", "null", "both"],
)
def test_check_hit_names_unusual_and_missing_inputs(ask, warehouse, track, starts):
    [row] = ask(warehouse.database, f"select check_hit({track}) as answer")
    assert len(row["answer"]) == len(starts)
    assert all(map(str.startswith, row["answer"], starts))


def test_a_null_input_gives_a_null_prediction(ask, warehouse):
    sql = "select predict_hit(null, 0.6, 0.7, 120) as answer"
    assert ask(warehouse.database, sql) == [{"answer": None}]


# Many rows


def test_the_row_form_over_a_table_equals_the_stored_predictions(ask, warehouse):
    rows = ask(
        warehouse.database,
        "select t.track_id, predict_hit(t) as answer from dim_tracks t "
        "where not is_excluded order by 1 limit 200",
    )
    stored = dict(warehouse.query("select track_id, hit_probability from fct_track_predictions"))
    assert len(rows) == 200
    assert {row["track_id"]: row["answer"] for row in rows} == close_to(
        {row["track_id"]: stored[row["track_id"]] for row in rows}
    )


def test_a_column_can_choose_the_algorithm(ask, warehouse):
    sql = (
        f"select algorithm, predict_hit_by(algorithm, {TRACK}) as answer "
        "from (values ('random_forest'), ('xgboost')) v(algorithm)"
    )
    answers = {row["algorithm"]: row["answer"] for row in ask(warehouse.database, sql)}
    assert answers == close_to(dict(warehouse.query(sql)))


# The catalog


def test_every_view_can_be_queried(ask, warehouse):
    views = warehouse.query(
        "select schema_name || '.' || view_name from duckdb_views() where not internal"
    )
    assert ("ml.model_versions",) in views and ("ml.champions",) in views
    # The hash makes each view compute all of its columns.
    sql = " union all ".join(
        f"select '{view}' as name, count(distinct hash(v)) > 0 as answer from {view} v"
        for (view,) in views
    )
    empty = {row["name"] for row in ask(warehouse.database, sql) if not row["answer"]}
    assert empty == EMPTY_AFTER_A_FIRST_BUILD


def test_functions_are_listed_with_their_descriptions(ask, warehouse):
    described = [f for file in FUNCTIONS for f in yaml.safe_load(file.read_text())["functions"]]
    rows = ask(
        warehouse.database,
        "select distinct function_name, trim(comment, chr(10)) as comment "
        "from duckdb_functions() where not internal",
    )
    listed = {row["function_name"]: row["comment"] for row in rows}
    assert listed == {f["name"]: f["description"].strip() for f in described}


# Errors


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (f"predict_hit_by('svm', {TRACK})", "task hit has no model by svm"),
        (f"predict_hit_by(null, {TRACK})", "task hit has no model by NULL"),
        (f"onnx_predict('nosuch', [{TRACK}])", "no model nosuch is served"),
        (f"onnx_predict(null, [{TRACK}])", "model_id is NULL"),
        ("onnx_predict('{champion}', [0.5, 0.6])", "takes 4 features, got 2"),
    ],
)
def test_a_client_sees_the_error_message_of_the_project(ask, warehouse, call, message):
    [(champion,)] = warehouse.query(CHAMPION)
    with pytest.raises(clients.ClientError, match=message):
        ask(warehouse.database, f"select {call.format(champion=champion)}")


# The file in other places


def test_a_copy_under_another_name_answers(ask, warehouse, tmp_path):
    other = shutil.copy(warehouse.database, tmp_path / "my songs-2.db")
    sql = f"select predict_hit({TRACK}) as answer, count(*) > 0 as views from ml.champions"
    [(expected, _)] = warehouse.query(sql)
    assert ask(other, sql) == [{"answer": close_to(expected), "views": True}]


def test_an_attached_file_answers_after_use(ask, warehouse, tmp_path):
    other = tmp_path / "other.duckdb"
    duckdb.connect(other, config={"storage_compatibility_version": "v1.5.0"}).close()
    sql = f"select predict_hit({TRACK}) as answer, count(*) > 0 as views from ml.champions"
    attach = f"attach '{warehouse.database}' as songs (read_only); use songs;"
    [(expected, _)] = warehouse.query(sql)
    assert ask(other, f"{attach} {sql}") == [{"answer": close_to(expected), "views": True}]


# Challengers


def test_traffic_is_split_and_each_row_is_scored_by_its_model(ask, copy, runner_up):
    with duckdb.connect(copy.database) as connection:
        udfs.assign(connection, "hit", runner_up["model_id"], 0.3)
    split = (
        "with assigned as ("
        "  select *, assigned_model('hit', track_id) as model_id from dim_tracks limit 300"
        ") select track_id, model_id, onnx_predict(model_id, encode_hit(assigned))[2] as hit "
        "from assigned order by track_id"
    )
    found = ask(copy.database, split)
    assert len({row["model_id"] for row in found}) == 2
    for row, (track_id, model_id, hit) in zip(found, copy.query(split), strict=True):
        assert (row["track_id"], row["model_id"]) == (track_id, model_id)
        assert row["hit"] == (None if hit is None else close_to(hit))


def test_the_query_book_compares_challengers_in_every_client(ask, copy, runner_up):
    with duckdb.connect(copy.database) as connection:
        udfs.assign(connection, "hit", runner_up["model_id"], 0.3)
    query = (ROOT / "sql" / "champion_against_challengers.sql").read_text()
    found = [(row["algorithm"], row["tracks"], row["brier"]) for row in ask(copy.database, query)]
    expected = [(row[0], row[3], row[6]) for row in copy.query(query)]
    assert [name for name, _, _ in found] == [name for name, _, _ in expected]
    assert [float(number) for _, count, brier in found for number in (count, brier)] == (
        close_to([float(number) for _, count, brier in expected for number in (count, brier)])
    )


# A promotion by hand


def test_a_promotion_changes_the_answers_of_every_client(ask, warehouse, promoted, runner_up):
    sql = (
        f"select predict_hit({TRACK}) as hit, "
        f"predict_hit_by('{runner_up['algorithm']}', {TRACK}) as runner_up"
    )
    [before], [after] = ask(warehouse.database, sql), ask(promoted.database, sql)
    assert before["hit"] != before["runner_up"]
    assert after["hit"] == after["runner_up"] == before["runner_up"]


def test_a_promotion_adds_one_manual_pinned_row(warehouse, promoted, runner_up):
    rows = "select * exclude (promoted_at) from ml.promotions order by promoted_at, task"
    before, after = warehouse.query(rows), promoted.query(rows)
    assert after == [*before, ("hit", runner_up["model_id"], "by hand", True, True)]


def test_a_promoted_model_answers_even_if_its_algorithm_has_a_newer_version(copy, runner_up):
    model_id = runner_up["model_id"]
    with duckdb.connect(copy.database) as connection:
        connection.execute(
            "insert into ml.train_hit select * replace ('newer' as model_id, 2 as version) "
            "from ml.train_hit where model_id = ?",
            [model_id],
        )
    promote(copy, model_id)
    served = "select model_id, is_newest from ml.served_models where task = 'hit' and algorithm = "
    assert set(copy.query(f"{served} '{runner_up['algorithm']}'")) == {
        (model_id, False),
        ("newer", True),
    }
    assert copy.query(f"select predict_hit({TRACK}) > 0") == [(True,)]


def test_a_reason_may_contain_an_apostrophe(copy, runner_up):
    promote(copy, runner_up["model_id"], reason="it's our favourite")
    reason = copy.query("select reason from ml.champions where task = 'hit'")
    assert reason == [("it's our favourite",)]


@pytest.mark.parametrize("case", ["unknown", "of another task"])
def test_a_model_of_another_task_or_of_none_is_refused(promoted, case):
    [(foreign,)] = promoted.query("select model_id from ml.champions where task = 'log_streams'")
    model_id = {"unknown": "nosuch", "of another task": foreign}[case]
    before = promoted.query("from ml.promotions")
    result = promote(promoted, model_id, check=False)
    assert result.returncode != 0
    assert f"task hit has no model {model_id}" in result.stdout
    assert promoted.query("from ml.promotions") == before


def test_a_build_keeps_a_pinned_champion_even_if_a_better_model_exists(
    promoted, runner_up, sample, tmp_path
):
    shutil.copytree(promoted.folder, tmp_path, dirs_exist_ok=True)
    rebuilt = Warehouse(tmp_path)
    rebuilt.build(HITPARADE_SAMPLE=str(sample))
    assert rebuilt.query(CHAMPION) == [(runner_up["model_id"],)]
    assert rebuilt.query(
        "select holdout > champion_holdout, decision from ml.challengers where task = 'hit'"
    ) == [(True, "keep")]


@pytest.mark.parametrize(
    ("task", "table"), [("hit", "dim_tracks"), ("tier", "dim_tracks"), ("log_streams", "dim_songs")]
)
def test_a_client_explains_rows_of_a_table(task, table, ask, warehouse):
    song = f"(from {table} order by pair_key limit 1) as t"
    sql = "select term.rank, term.contribution from (select unnest(terms) as term from "
    sql += f"(select explain_{task}(t) as terms from {song})) order by 1"
    expected = [contribution for _, contribution in warehouse.query(sql)]
    found = [row["contribution"] for row in ask(warehouse.database, sql)]
    assert len(found) > 4
    assert found == pytest.approx(expected, abs=1e-9)


def test_sqlalchemy_works_on_both_backends(warehouse):
    """Superset works this way: docs/bi/superset has the same hook on the pool."""
    engine = sqlalchemy.create_engine(
        f"duckdb:///{warehouse.database}", connect_args={"read_only": True}
    )
    query = sqlalchemy.text(
        f"select predict_hit({TRACK}), predict_hit(t) from dim_tracks t limit 3"
    )
    with engine.connect() as connection:
        by_sql = connection.execute(query).fetchall()
    assert "dim_tracks" in sqlalchemy.inspect(engine).get_table_names(schema="main")
    engine.dispose()

    @sqlalchemy.event.listens_for(engine, "connect")
    def register(connection, _):
        udfs.register(connection._ConnectionWrapper__c)

    with engine.connect() as connection:
        functions = "from duckdb_functions() where function_name = 'onnx_predict'"
        schemas = sqlalchemy.text(f"select count(distinct database_name) {functions}")
        assert connection.execute(schemas).scalar() == 2  # the persisted macro and the TEMP one
        by_onnx_runtime = connection.execute(query).fetchall()
    engine.dispose()
    assert len(by_sql) == 3
    for one, other in zip(by_sql, by_onnx_runtime, strict=True):
        assert list(one) == pytest.approx(list(other), abs=1e-6)
