"""Song optimization in the registry, and its stored advice."""

import math

import duckdb
import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

import udfs
from tests.e2e.test_song_optimization import ARGUMENTS, one
from udfs.registry.operations import renew_served_models

# The registry


def test_only_the_optimizer_can_be_champion(small_copy):
    with duckdb.connect(small_copy.database) as connection:
        for algorithm in ("teacher", "student", "judge"):
            ((model_id,),) = connection.execute(
                "select model_id from ml.model_versions "
                "where task = 'song_optimization' and algorithm = ?",
                [algorithm],
            ).fetchall()
            refusal = f"is the {algorithm} of task song_optimization, which no function of the task"
            with pytest.raises(udfs.ModelError, match=refusal):
                udfs.promote(connection, "song_optimization", model_id)
        champion = connection.execute(
            "select algorithm from ml.champions "
            "inner join ml.model_versions using (task, model_id) where task = 'song_optimization'"
        ).fetchall()
    assert champion == [("gradient",)]


# Stored advice

RUN = ("run", "--select", "fct_song_optimizations")


def test_stored_advice_equals_that_of_the_function(onnx_runtime):
    rows = onnx_runtime.sql(
        "with advised as ("
        "  select track_id, optimize_song(t) as advice from dim_tracks as t"
        "  where is_pair_representative and popularity between 50 and 59"
        "), flat as ("
        "  select track_id, advice, unnest(advice.changes) as change from advised"
        ") select stored.*, flat.change, flat.advice from fct_song_optimizations as stored "
        "full join flat on stored.track_id = flat.track_id and change_rank = change.rank"
    ).to_arrow_table()
    stored = rows.to_pylist()
    assert len(stored) > 500
    for row in stored:
        assert row["feature"] == row["change"]["feature"]
        assert row["effect"] == pytest.approx(row["change"]["effect"], abs=0.02)
        assert row["value_after"] == pytest.approx(row["change"]["after"], rel=0.01, abs=0.01)
        assert row["judged_delta"] == pytest.approx(row["advice"]["judged_delta"], abs=1)
        assert not math.isnan(row["distance_after"])


@pytest.mark.slow
def test_only_new_and_changed_songs_are_optimized_again(small_copy, small_sample):
    state = "select track_id, any_value(predicted_at) from fct_song_optimizations group by track_id"
    before = dict(small_copy.query(state))
    with duckdb.connect(small_copy.database) as connection:
        gone, changed = sorted(before)[:2]
        connection.execute("delete from fct_song_optimizations where track_id = ?", [gone])
        connection.execute(
            "update fct_song_optimizations set inputs_hash = '' where track_id = ?", [changed]
        )
    small_copy.dbt(*RUN, HITPARADE_SAMPLE=str(small_sample))
    after = dict(small_copy.query(state))
    assert set(after) == set(before)
    assert {track for track in after if after[track] != before[track]} == {gone, changed}
    narrow = "{songs_to_optimize: popularity = 55}"
    small_copy.dbt(*RUN, "--vars", narrow, HITPARADE_SAMPLE=str(small_sample))
    left = {
        track
        for (track,) in small_copy.query("select distinct track_id from fct_song_optimizations")
    }
    assert left < set(after) and left


@pytest.mark.slow
def test_a_new_held_out_evaluator_evaluates_all_rows_again(small_copy, small_sample):
    judged = "select distinct judge from fct_song_optimizations"
    before = small_copy.query(judged)
    with duckdb.connect(small_copy.database) as connection:
        connection.execute("update fct_song_optimizations set judge = 'another'")
    small_copy.dbt(*RUN, HITPARADE_SAMPLE=str(small_sample))
    assert small_copy.query(judged) == before


@pytest.mark.slow
def test_without_a_champion_there_is_no_advice_and_the_function_says_why(small_copy, small_sample):
    with duckdb.connect(small_copy.database) as connection:
        connection.execute(
            "insert into ml.promotions "
            "values (now()::timestamp, 'song_optimization', null, 'retired', false, false)"
        )
        renew_served_models(connection)
        udfs.register(connection)
        with pytest.raises(duckdb.Error, match="task song_optimization has no champion"):
            one(connection, f"optimize_song({ARGUMENTS})")
    small_copy.dbt(*RUN, HITPARADE_SAMPLE=str(small_sample))
    assert small_copy.query("select * from fct_song_optimizations") == []


def test_a_registered_model_cannot_join_this_task(small_copy):
    rows = np.eye(129)
    model = LinearRegression().fit(rows, np.arange(129))
    with (
        duckdb.connect(small_copy.database) as connection,
        pytest.raises(
            udfs.ModelError, match="the functions of task song_optimization need more than"
        ),
    ):
        udfs.register_model(connection, model, task="song_optimization", examples=rows)
