"""Two open files: a function answers with the models and tables of its own file, or fails."""

import shutil

import duckdb
import pytest

import udfs
from tests.e2e.calls import OTHERS, calls, has_no_sql_form

ROWS = 3
# These take a model's id, or read nothing of a file.
STATELESS = {name for name in OTHERS if name.startswith("onnx_")} | {
    "check_features",
    "describe_changes",
}
# Functions that read tables: they refuse to answer for another file.
READERS = {"check_next_songs", "next_songs_for_playlist", "similar_tracks"}
RUNNERS_UP = """
    select task, any_value(model_id order by mean)
    from ml.model_metrics
    where is_primary and task <> 'song_optimization'
        and model_id not in (select model_id from ml.champions)
    group by task
"""
# As a build of the functions would.
NEW_STAMPS = """
    update ml.function_definitions
    set definition = replace(definition, creation_id, 'another'), creation_id = 'another'
"""


@pytest.fixture(scope="module")
def two_files(warehouse, tmp_path_factory):
    """A finished file `a`, and a file `b` with other champions, traffic and vectors."""
    folder = tmp_path_factory.mktemp("two")
    for name in ("a", "b"):
        shutil.copy(warehouse.database, folder / f"{name}.duckdb")
    with duckdb.connect(folder / "b.duckdb") as connection:
        connection.execute(NEW_STAMPS)
        connection.execute(
            "update fct_track_vectors set vector = list_transform(vector, lambda v: -v)"
        )
        connection.execute("update ml.explanation_plans set plan_id = md5(plan_id)")
        runners_up = connection.execute(RUNNERS_UP).fetchall()
        assert len(runners_up) > 4
        for task, model_id in runners_up:
            udfs.promote(connection, task, model_id)
    return folder


@pytest.fixture(params=["sql_backend", "onnx_runtime"])
def both_open(request, two_files):
    with duckdb.connect() as connection:
        for name in ("a", "b"):
            connection.execute(f"attach '{two_files / name}.duckdb' as {name} (read_only)")
        connection.execute("use a")
        if request.param == "onnx_runtime":
            udfs.register(connection)
        yield connection


def answer(connection: duckdb.DuckDBPyConnection, query: str) -> list | str:
    """The answers of a query, or the message of its error."""
    try:
        return connection.execute(query).fetchall()
    except duckdb.Error as error:
        if has_no_sql_form(error):
            return "no SQL form"
        return str(error)


def test_a_function_never_answers_with_the_models_of_the_file_in_use(both_open):
    found = {name: call for name, call in calls(both_open).items() if name not in STATELESS}
    assert len(found) > 30
    queries = {
        (file, name): call._replace(
            expression=call.expression.replace(f"{name}(", f"{file}.main.{name}(", 1)
        ).query("a", ROWS)
        for file in ("a", "b")
        for name, call in found.items()
    }
    own = {}
    for file, name in queries:
        both_open.execute(f"use {file}")
        own[file, name] = answer(both_open, queries[file, name])
    assert not [key for key, rows in own.items() if isinstance(rows, str) and rows != "no SQL form"]
    differ = {name for name in found if own["a", name] != own["b", name]}
    assert {"predict_hit", "explain_hit", "predict_tier", "assigned_model"} <= differ
    wrong, refused = {}, {}
    for (file, name), query in queries.items():
        both_open.execute(f"use {'b' if file == 'a' else 'a'}")
        given = answer(both_open, query)
        if isinstance(given, str):
            refused[name] = given
        elif given != own[file, name]:
            wrong[file, name] = given
    assert wrong == {}
    answers_alone = {"assigned_model", "encode_tier", "encode_hit"}
    assert not answers_alone & refused.keys()
    assert READERS - {name for name in READERS if own["a", name] == "no SQL form"} <= {*refused}
    reasons = ("belongs to another file", "is served", "no SQL form")
    assert [text for text in refused.values() if not any(one in text for one in reasons)] == []


@pytest.mark.parametrize("name", sorted(READERS))
def test_a_function_that_reads_tables_names_the_next_step(both_open, name):
    call = OTHERS[name]
    query = call._replace(expression=f"a.main.{call.expression}").query("a", ROWS)
    both_open.execute("use b")
    with pytest.raises(duckdb.Error, match=f"{name}: this function belongs to another file.*`use`"):
        both_open.execute(query)


def test_a_renamed_file_answers_as_before(two_files, tmp_path):
    query = "select predict_hit(0.5, 0.6, 0.7, 120), assigned_model('hit', 1)"
    shutil.copy(two_files / "a.duckdb", tmp_path / "renamed.duckdb")
    with duckdb.connect(two_files / "a.duckdb") as before:
        expected = before.execute(query).fetchall()
    with duckdb.connect(tmp_path / "renamed.duckdb") as renamed:
        assert renamed.execute(query).fetchall() == expected
