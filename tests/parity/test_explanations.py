"""Explanations: additive on both backends, and equal to those of the shap library."""

import duckdb
import numpy as np
import pytest

from models_py import export

shap = pytest.importorskip("shap", reason="the extra test is not there")

# The index of a model's score, from 0.
PLACES = {"hit": 1, "popularity": 0, "log_streams": 0, "log_streams_context": 0}
ANSWERS = {
    "hit": "predict_hit(t)",
    "tier": "list_max(onnx_predict((select max(model_id) from ml.champions where task = 'tier'), "
    "encode_tier(t)))",
    "popularity": "predict_popularity(t)",
    "log_streams": "predict_log_streams(t)",
    "log_streams_context": "predict_log_streams_context(t)",
}
SONGS = 5


def relation(task: str) -> str:
    return "dim_songs" if task.startswith("log_streams") else "dim_tracks"


def some(task: str, count: int = SONGS) -> str:
    """Songs that are in no background, as a relation."""
    return f"(from {relation(task)} order by md5(pair_key) desc limit {count}) as t"


def arguments(connection: duckdb.DuckDBPyConnection, task: str) -> list[str]:
    query = "select parameters from duckdb_functions() where function_name = ? and "
    query += "len(parameters) > 1"
    return connection.execute(query, [f"explain_{task}"]).fetchall()[0][0]


@pytest.mark.parametrize("task", ANSWERS)
def test_contributions_add_up_to_the_answer(task, connection):
    query = f"select explain_{task}(t), {ANSWERS[task]} from {some(task)}"
    rows = connection.execute(query).fetchall()
    assert len(rows) == SONGS
    names = arguments(connection, task)
    for terms, answer in rows:
        assert sum(term["contribution"] for term in terms) == pytest.approx(answer, abs=2e-5)
        assert [term["rank"] for term in terms] == list(range(len(names) + 1))
        assert terms[0]["feature"] == "average"
        assert {term["feature"] for term in terms[1:]} == {*names}
        sizes = [abs(term["contribution"]) for term in terms[1:]]
        assert sizes == sorted(sizes, reverse=True)
    # For tier, the most probable tier of each song is explained.
    averages = {round(terms[0]["contribution"], 6) for terms, _ in rows}
    assert len(averages) == 1 or task == "tier"
    assert len({str(terms) for terms, _ in rows}) > 1


def test_contributions_add_up_to_the_answer_of_each_song_of_a_table(onnx_runtime):
    query = "select list_sum(list_transform(explain_hit(t), lambda term: term.contribution)), "
    found = onnx_runtime.execute(query + "predict_hit(t) from dim_tracks as t").fetchnumpy()
    sums, answers = (np.ma.filled(column, np.nan) for column in found.values())
    assert len(sums) > 1_500
    np.testing.assert_allclose(sums, answers, atol=1e-6)


@pytest.mark.parametrize("task", ANSWERS)
def test_both_backends_explain_every_model_alike(task, onnx_runtime, sql_backend):
    models = "select algorithm, model_id from ml.served_models where is_newest and task = ?"
    for algorithm, model_id in onnx_runtime.execute(models, [task]).fetchall():
        call = f"onnx_explain('{task}', '{model_id}', encode_{task}(t), null)"
        query = f"select {call} from {some(task, 3)}"
        fast, plain = (one.execute(query).fetchall() for one in (onnx_runtime, sql_backend))
        for (found,), (expected,) in zip(fast, plain, strict=True):
            terms = {term["feature"]: term["contribution"] for term in expected}
            size = max(1, sum(map(abs, terms.values())))
            assert {*terms} == {term["feature"] for term in found}
            for term in found:
                name, value = term["feature"], term["contribution"]
                assert value == pytest.approx(terms[name], abs=2e-6 * size), (algorithm, name)


def test_each_row_has_its_model_and_hides_no_other(connection):
    """Rows without a model's answer, and rows of several models and scores, in one vector."""
    models = "select list(model_id order by model_id) from ml.served_models where is_newest and "
    ((ids,),) = connection.execute(models + "task = 'hit'").fetchall()
    songs = ["[0.7, 0.8, 0.5, 120.0]", "[0.1, null, 0.5, 90.0]", "null", "[0.2, 0.3, 0.4, 90.0]"]
    calls = [
        (model_id, song, output) for model_id in ids for song in songs for output in ("1", "null")
    ]
    values = ", ".join(f"({i}, '{m}', {x}::double[], {o})" for i, (m, x, o) in enumerate(calls))
    query = (
        f"select onnx_explain('hit', m, x, o) from (values {values}) as t (i, m, x, o) order by i"
    )
    found = [terms for (terms,) in connection.execute(query).fetchall()]
    for terms, (model_id, song, output) in zip(found, calls, strict=True):
        alone = f"select onnx_explain('hit', '{model_id}', {song}::double[], {output})"
        ((expected,),) = connection.execute(alone).fetchall()
        assert (terms is None) == (song in songs[1:3]) == (expected is None)
        if terms:
            sizes, right = ([term["contribution"] for term in one] for one in (terms, expected))
            assert sizes == pytest.approx(right, abs=1e-6)


class Explained:
    """A champion and its background, as shap takes them: songs with some inputs replaced."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, task: str):
        query = "select features from ml.explanation_backgrounds where task = ? "
        songs = connection.execute(query + "order by place", [task]).fetchall()
        self.background = np.array([song for (song,) in songs])
        query = "select onnx from ml.champions inner join ml.model_artifacts using (model_id) "
        ((graph,),) = connection.execute(query + "where task = ?", [task]).fetchall()
        self._session = export.session(graph)
        self._place = PLACES[task]
        self._names = arguments(connection, task)
        ((encoded,),) = connection.execute(
            "select inputs from ml.model_versions inner join ml.champions using (task, model_id) "
            "where task = ? limit 1",
            [task],
        ).fetchall()
        # Inputs without an argument of their name belong to the last argument.
        self.places = [
            self._names.index(name) if name in self._names else len(self._names) - 1
            for name in (one["name"].partition("=")[0] for one in encoded)
        ]

    def values(self, song: list[float]) -> dict[str, float]:
        """Return the exact Shapley value of each argument."""

        def masked(mask, _):
            return (np.where(np.array(mask)[self.places], song, self.background),)

        def score(songs):
            return self._session.run(["scores"], {"features": songs.astype(np.float32)})[0][
                :, self._place
            ]

        explainer = shap.ExactExplainer(score, masked)
        row = np.zeros((1, len(self._names)))
        found = explainer(row).values[0]
        return dict(zip(self._names, found, strict=True))


@pytest.mark.parametrize(
    ("task", "within"), [("hit", 1e-6), ("log_streams", 0.06), ("log_streams_context", 0.06)]
)
def test_contributions_equal_those_of_shap(task, within, onnx_runtime):
    """Exact if all coalitions are scored, else within a share of the spread."""
    explained = Explained(onnx_runtime, task)
    query = f"select stddev({ANSWERS[task]}) from {relation(task)} as t"
    ((spread,),) = onnx_runtime.execute(query).fetchall()
    query = f"select encode_{task}(t), explain_{task}(t) from {some(task)}"
    for song, terms in onnx_runtime.execute(query).fetchall():
        values = explained.values(song)
        assert max(map(abs, values.values())) > 0.05 * spread
        for term in terms[1:]:
            expected = values[term["feature"]]
            assert term["contribution"] == pytest.approx(expected, abs=within * spread)


@pytest.mark.parametrize("song", ["null, 0.5, 0.5, 120", "0.5, 'nan', 0.5, 120", "0.5, 1, 1, 1e16"])
def test_a_song_without_an_answer_has_no_explanation(song, connection):
    assert connection.execute(f"select explain_hit({song})").fetchall() == [(None,)]


def test_any_model_and_any_score_can_be_explained(connection):
    query = "select model_id from ml.served_models where task = 'tier' and is_newest "
    for (model_id,) in connection.execute(query + "order by all").fetchall():
        calls = [f"onnx_explain('tier', '{model_id}', x, {place})" for place in (1, 4, "null")]
        scores, *terms = connection.execute(
            f"select onnx_predict('{model_id}', x), {', '.join(calls)} "
            f"from (select encode_tier(t) as x from {some('tier', 1)})"
        ).fetchall()[0]
        sums = [sum(term["contribution"] for term in one) for one in terms]
        assert sums == pytest.approx([scores[0], scores[3], max(scores)], abs=2e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("'none', 'x', [1.0], 1", "no model x"),
        ("'hit', model_id, [1.0], 1", "takes 4 features, got 1"),
        (
            "'next_song', model_id, [0.5, 0.5, 0.5, 100], 1",
            "task next_song has no background",
        ),
        ("'hit', model_id, [0.5, 0.5, 0.5, 100], 0", "output is 0: give 1 to 2"),
        ("'hit', model_id, [0.5, 0.5, 0.5, 100], 3", "output is 3: give 1 to 2"),
    ],
)
def test_a_bad_call_says_what_is_wrong(call, message, connection):
    champion = "(select model_id from ml.champions where task = 'hit')"
    with pytest.raises(duckdb.Error, match=message):
        connection.execute(f"select onnx_explain({call.replace('model_id', champion)})").fetchall()
