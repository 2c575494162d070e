"""Every candidate as champion: the function of its task answers as onnx_predict does."""

import shutil

import duckdb
import numpy as np
import pytest

import udfs
from models_py.tasks import TASKS
from tests.graph_models import graph_of, op
from tests.hand_models import linear

CANDIDATES = [(task, algorithm) for task in TASKS.values() for algorithm in task.algorithms]
BY_CANDIDATE = pytest.mark.parametrize(
    ("task", "algorithm"), CANDIDATES, ids=lambda value: getattr(value, "name", value)
)
# The SQL form of a champion adds up in another order than onnx_predict.
TOLERANCE = 2e-6
# Values that no model can use, or that only float64 can hold.
BAD = ["null", "'nan'::double", "'inf'::double", "-1e300", "1e16"]
PARTS = {
    "regression": "predict_{0}(t)",
    "binary": "predict_{0}(t)",
    "multiclass": "struct_extract(predict_{0}_proba(t), {1})",
}


@pytest.fixture(scope="module")
def promoted(small_warehouse, tmp_path_factory):
    """A copy of a finished warehouse."""
    copied = shutil.copy(small_warehouse.database, tmp_path_factory.mktemp("promoted"))
    with duckdb.connect(copied) as connection:
        yield connection


@pytest.fixture(params=["sql_backend", "onnx_runtime"])
def session(promoted, request):
    """A session of the copy on one of the backends."""
    with promoted.cursor() as cursor:
        if request.param == "onnx_runtime":
            udfs.register(cursor)
        yield cursor


@BY_CANDIDATE
def test_a_champion_answers_as_onnx_predict_does(session, task, algorithm):
    model_id = _promote(session, task, algorithm)
    answer = "predict_{0}_proba(t).{1}" if task.kind == "multiclass" else "predict_{0}(t)"
    rows, answered, difference, one_sided = session.execute(
        "select count(*), count(answer), max(abs(answer - score) / greatest(1, abs(score))), "
        "count(case when (answer is null) <> (score is null) then 1 end) from ("
        f"select {answer.format(task.name, task.outputs[-1])} as answer, "
        f"onnx_predict('{model_id}', encode_{task.name}(t))[-1] as score from {task.entity} t)"
    ).fetchall()[0]
    assert answered > 0.9 * rows > 100
    assert difference <= TOLERANCE
    assert one_sided == 0


@BY_CANDIDATE
@pytest.mark.parametrize("bad", BAD)
def test_a_bad_value_gives_null_only_in_its_row(session, task, algorithm, bad):
    _promote(session, task, algorithm)
    name = task.inputs[0]
    rows = session.execute(
        f"with few as (from {task.entity} t where predict_{task.name}(t) is not null limit 3), "
        "numbered as (select *, row_number() over () as place from few) "
        f"select predict_{task.name}(t) is null from (select * replace ("
        f"case when place = 2 then {bad} else {name} end as {name}) from numbered) t order by place"
    ).fetchall()
    assert [is_null for (is_null,) in rows] == [False, True, False]


def _promote(session, task, algorithm) -> str:
    query = "select model_id from ml.served_models where task = ? and algorithm = ? and is_newest"
    ((model_id,),) = session.execute(query, [task.name, algorithm]).fetchall()
    udfs.promote(session, task.name, model_id)
    return model_id


def _register(session, task: str, algorithm: str, weights: list[float], inputs: list[str]) -> str:
    return udfs.register_model(
        session, linear(weights, 1.0), task=task, algorithm=algorithm, inputs=inputs
    )


@pytest.fixture
def writable(small_copy):
    with duckdb.connect(small_copy.database) as connection:
        yield connection


def test_a_group_whose_members_have_no_spelling_stops_no_promotion(writable):
    odd = _register(writable, "sign", "mine", [2.0, 3.0], ["sign=+", "sign=-"])
    udfs.promote(writable, "sign", odd)
    assert writable.execute("select count(*) from ml.stamps where stamp is null").fetchall() == [
        (0,)
    ]
    before = _hit(writable)
    for algorithm in ("logistic_regression", "random_forest"):
        _promote(writable, TASKS["hit"], algorithm)
        assert _hit(writable) != before
        before = _hit(writable)


def _hit(connection) -> float:
    return connection.execute("select predict_hit(.5, .5, .5, 120)").fetchall()[0][0]


def test_a_group_of_one_member_is_no_single_input(writable):
    query = "select list_transform(inputs, lambda input: input.name) from ml.served_models "
    names = writable.execute(query + "where task = 'popularity' limit 1").fetchall()[0][0]
    singles = [name for name in names if "=" not in name]
    weights = [0.0] * len(singles) + [3.0]
    model_id = _register(writable, "popularity", "mine", weights, [*singles, "genres=pop"])
    udfs.promote(writable, "popularity", model_id)
    found = writable.execute(
        "select distinct predict_popularity(t), list_contains(genres, 'pop') from dim_tracks t "
        "where predict_popularity(t) is not null order by all"
    ).fetchall()
    assert found == [(1.0, False), (4.0, True)]


def test_members_that_are_spelled_otherwise_count_on_both_backends(writable):
    query = "select list_transform(inputs, lambda input: input.name) from ml.served_models "
    names = writable.execute(query + "where task = 'popularity' limit 1").fetchall()[0][0]
    weights = [{"genres=pop": 1.0, "genres=rock": 2.0}.get(name, 0.0) for name in names]
    odd = [{"genres=pop": "genres=POP", "genres=rock": "genres=Rock "}.get(n, n) for n in names]
    udfs.promote(writable, "popularity", _register(writable, "popularity", "mine", weights, odd))
    query = (
        "select distinct predict_popularity(t) from "
        "(select * replace (['pop', 'rock'] as genres) from dim_tracks) t "
        "where predict_popularity(t) is not null"
    )
    for with_runtime in (False, True):
        if with_runtime:
            udfs.register(writable)
        assert writable.execute(query).fetchall() == [(4.0,)]


def test_a_function_of_one_kind_refuses_other_models(sql_backend):
    ids = dict(
        sql_backend.execute(
            "select algorithm, model_id from ml.served_models where task = 'hit' and is_newest"
        ).fetchall()
    )
    song = "[.5, .5, .5, 120.0]"
    for name, model_id in [
        ("onnx_predict_net", ids["xgboost"]),
        ("onnx_predict_trees_3", ids["random_forest"]),
        ("onnx_predict_trees_3", ids["logistic_regression"]),
        ("onnx_predict_trees_6", "none"),
    ]:
        with pytest.raises(duckdb.Error, match=f"{name}: no model {model_id} of this kind"):
            sql_backend.execute(f"select {name}('{model_id}', {song})").fetchall()
    with pytest.raises(duckdb.Error, match="no model NULL of this kind"):
        sql_backend.execute(f"select onnx_predict_net(null, {song})").fetchall()
    for features in ("[.5, .5]", "[.5, .5, .5, 120.0, 7]", "[]::double[]"):
        for name, algorithm in (("net", "logistic_regression"), ("trees_3", "xgboost")):
            with pytest.raises(duckdb.Error, match="takes 4 features, got"):
                call = f"onnx_predict_{name}('{ids[algorithm]}', {features})"
                sql_backend.execute(f"select {call}").fetchall()


def test_views_of_strings_are_read(warehouse):
    with duckdb.connect(warehouse.database, read_only=True) as connection:
        udfs.register(connection)
        query = "select sum(predict_popularity(t)) from dim_tracks t"
        expected = connection.execute(query).fetchall()
        connection.execute("set arrow_output_version = '1.5'")
        connection.execute("set produce_arrow_string_view = true")
        assert connection.execute(query).fetchall() == expected


@pytest.mark.parametrize("known", ["null", "case when t.explicit then 'pop' else 'rock' end"])
def test_known_members_are_one_text(onnx_runtime, known):
    query = "select model_id, len(inputs) from ml.served_models where task = 'popularity' limit 1"
    model_id, width = onnx_runtime.execute(query).fetchall()[0]
    numbers = ", ".join(["1.0"] * (width - 1))
    with pytest.raises(duckdb.Error, match="known is NULL or varies"):
        onnx_runtime.execute(
            f"select onnx_predict('{model_id}', [{numbers}], t.genres, {known}) from dim_tracks t"
        ).fetchall()


def gated() -> bytes:
    """Return the softmax of two layers of softplus units of the four inputs of task hit."""
    constants = {
        "w": np.array([[2, -1], [1, 0], [-1, 1], [0.01, -0.01]], dtype=np.float32),
        "v": np.array([[1, -1], [-1, 0.5]], dtype=np.float32),
    }
    nodes = [
        op("MatMul", ["features", "w"], ["sums"]),
        op("Softplus", ["sums"], ["hidden"]),
        op("MatMul", ["hidden", "v"], ["logits"]),
        op("Softmax", ["logits"], ["scores"]),
    ]
    return graph_of(nodes, constants)


def test_a_champion_of_any_shape_answers_on_both_backends(writable):
    body = "select macro_definition from duckdb_functions() where function_name = $name limit 1"
    (before,) = writable.execute(body, {"name": "onnx_predict"}).fetchone()
    assert "further_steps" not in before
    names = ["danceability", "energy", "valence", "tempo"]
    model_id = udfs.register_model(
        writable, gated(), task="hit", algorithm="gated", inputs=names, labels=["false", "true"]
    )
    (after,) = writable.execute(body, {"name": "onnx_predict"}).fetchone()
    assert "further_steps" in after
    udfs.promote(writable, "hit", model_id)
    (champion,) = writable.execute(body, {"name": "predict_hit"}).fetchone()
    assert "onnx_predict_steps" in champion
    query = (
        "select predict_hit(t), predict_hit_by('gated', t) from dim_tracks t "
        "where predict_hit(t) is not null order by track_id limit 100"
    )
    by_sql = np.array(writable.execute(query).fetchall())
    udfs.register(writable)
    assert np.allclose(by_sql, np.array(writable.execute(query).fetchall()), atol=1e-5)
