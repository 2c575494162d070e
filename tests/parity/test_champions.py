"""Every candidate as champion: the function of its task answers as onnx_predict does."""

import shutil

import duckdb
import pytest

import udfs
from models_py.tasks import TASKS

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
