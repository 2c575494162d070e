"""Song optimization in SQL: guarantees for every song of the sample, and errors of bad calls."""

import json
import re

import duckdb
import numpy as np
import pytest

from models_py.song_optimization.protocol import BOUNDS, MAX_CHANGE, MOST, PENALTY, STEPS
from models_py.tasks import TASKS
from udfs.runtime.optimizations import RETURNS

NAMES = list(BOUNDS)
LOW, HIGH = np.array([*BOUNDS.values()]).T
ARGUMENTS = (
    "danceability := 0.5, energy := 0.6, loudness := -7, speechiness := 0.05, acousticness := 0.2, "
    "instrumentalness := 0, liveness := 0.1, valence := 0.5, tempo := 120, duration_ms := 200000, "
    "explicit := false, key := 5, mode := 1, time_signature := 4, is_single := false, "
    "genres := ['pop']"
)
LOW_LEVEL = {
    "model": "(select model_id from ml.champions where task = 'song_optimization')",
    "judge": "(select max(model_id) from ml.served_models where algorithm = 'judge')",
    "song": f"encode_popularity({ARGUMENTS})",
    "lows": str(LOW.tolist()),
    "highs": str(HIGH.tolist()),
    "max_changes": str(((HIGH - LOW) / 4).tolist()),
    "features": "9",
    "penalty": "0.1",
    "steps": "30",
}
POSITIONS = re.sub(r"\w+ := ", "", ARGUMENTS)


def one(connection, call, source=""):
    return connection.execute(f"select {call} {source}").fetchall()[0][0]


def advice(connection, options: str = "") -> dict[str, np.ndarray]:
    """The advice for every track with all inputs: features before and after (n, 9), and figures."""
    rows = connection.sql(
        f"select optimize_song(t{options}) as advice, predict_popularity(t) as answer, t.* "
        "from dim_tracks as t order by track_id"
    ).to_arrow_table()
    answered = rows["advice"].is_valid()
    assert answered.equals(rows["answer"].is_valid())
    rows = rows.filter(answered)
    found = rows["advice"].to_pylist()
    assert len(found) > 0.95 * len(answered) > 1_000
    result = {
        side: np.array([[row[side][name] for name in NAMES] for row in found])
        for side in ("before", "after")
    }
    result["track"] = np.column_stack([rows[name].to_numpy() for name in NAMES])
    for name in ("popularity_before", "popularity_after", "popularity_delta", "judged_delta"):
        result[name] = np.array([row[name] for row in found])
    result["changes"] = [row["changes"] for row in found]
    return result


# Every song of the sample


@pytest.mark.parametrize(
    ("options", "most", "reach"),
    [
        ("", 3, 0.25),
        (", max_features := 9", 9, 0.25),
        (", max_features := 1, max_change := 0.1", 1, 0.1),
        (", penalty := 2, max_change := 1", 3, 1),
    ],
)
def test_every_song_keeps_bounds_reach_and_budget_and_never_gets_worse(
    onnx_runtime, options, most, reach
):
    found = advice(onnx_runtime, options)
    before, after = found["before"], found["after"]
    assert (before == found["track"]).all()
    assert (found["popularity_delta"] >= 0).all()
    assert (found["popularity_after"] - found["popularity_before"]) == pytest.approx(
        found["popularity_delta"], abs=1e-9
    )
    assert ((after != before).sum(axis=1) <= most).all()
    step = 1e-6 * np.maximum(1, np.abs(before))
    assert (np.abs(after - before) <= reach * (HIGH - LOW) + step).all()
    assert (after >= np.minimum(LOW, before)).all() and (after <= np.maximum(HIGH, before)).all()
    for changes, old, new in zip(found["changes"], before, after, strict=True):
        assert {change["feature"] for change in changes} == {
            name for name, a, b in zip(NAMES, old, new, strict=True) if a != b
        }
    assert np.mean(found["judged_delta"]) > 1


@pytest.mark.parametrize("features", [["energy"], ["tempo", "valence", "loudness"], []])
def test_locked_features_keep_every_bit(onnx_runtime, features):
    found = advice(onnx_runtime, f", features := {features}::varchar[], max_features := 9")
    locked = [NAMES.index(name) for name in NAMES if name not in features]
    assert (found["after"][:, locked] == found["before"][:, locked]).all()
    free = [NAMES.index(name) for name in features]
    if features:
        assert (found["after"][:, free] != found["before"][:, free]).any(axis=1).mean() > 0.9
    else:
        assert (found["popularity_delta"] == 0).all() and (found["judged_delta"] == 0).all()
        assert found["changes"] == [[]] * len(found["changes"])


def test_changes_are_ranked_and_their_effects_add_up(onnx_runtime):
    found = advice(onnx_runtime)
    columns = zip(found["changes"], found["popularity_delta"], strict=True)
    for changes, delta in columns:
        assert [change["rank"] for change in changes] == list(range(1, len(changes) + 1))
        effects = [change["effect"] for change in changes]
        assert effects == sorted(effects, reverse=True)
        assert sum(effects) == pytest.approx(delta, abs=1e-3)
        for change in changes:
            assert change["delta"] == pytest.approx(change["after"] - change["before"])


def test_a_song_gets_the_same_advice_by_itself_and_in_a_table(onnx_runtime):
    together = onnx_runtime.execute(
        "select track_id, optimize_song(t) from dim_tracks as t order by track_id limit 40"
    ).fetchall()
    for track_id, expected in together:
        alone = one(
            onnx_runtime, "optimize_song(t)", f"from dim_tracks as t where track_id = '{track_id}'"
        )
        assert alone["popularity_after"] == pytest.approx(expected["popularity_after"], abs=0.01)
        for name, low, high in zip(NAMES, LOW, HIGH, strict=True):
            off = abs(alone["after"][name] - expected["after"][name])
            assert off <= 1e-3 * (high - low)


def test_the_stored_held_out_evaluator_scores_the_gains(onnx_runtime):
    ((judge, student),) = onnx_runtime.execute(
        "select max(model_id) filter (algorithm = 'judge'), "
        "max(model_id) filter (algorithm = 'student') "
        "from ml.model_versions where task = 'song_optimization'"
    ).fetchall()
    rows = onnx_runtime.execute(
        "with advised as ("
        "  select t, optimize_song(t) as advice from dim_tracks as t order by track_id limit 200"
        "), changed as ("
        "  select advice, encode_popularity(t) as old, list_concat("
        f"    [{', '.join(f'advice.after.{name}' for name in NAMES)}], encode_popularity(t)[10:]"
        "  ) as new from advised"
        ") select advice, "
        "onnx_predict($judge, new)[1] - onnx_predict($judge, old)[1], "
        "onnx_predict($student, old)[1], onnx_predict($student, new)[1] from changed",
        {"judge": judge, "student": student},
    ).fetchall()
    for found, judged, before, after in rows:
        assert found["judged_delta"] == pytest.approx(judged, abs=1e-4)
        assert found["popularity_before"] == pytest.approx(before, abs=1e-3)
        assert found["popularity_after"] == pytest.approx(after, abs=1e-3)


def test_no_artist_is_in_two_parts(sql_backend):
    rows = sql_backend.execute(
        "select artist, count(distinct part) from ("
        "  select lower(trim(unnest(string_split(artists, ';')))) as artist, part "
        "  from features.feat_song_optimization inner join dim_tracks using (track_id)"
        ") group by artist having count(distinct part) > 1"
    ).fetchall()
    assert rows == []
    shares = dict(
        sql_backend.execute(
            "select part, count(*) / sum(count(*)) over () from features.feat_song_optimization "
            "group by part"
        ).fetchall()
    )
    assert shares["student"] == pytest.approx(shares["judge"], abs=0.05)
    assert 0.05 < shares["test"] < 0.15


# Calls


def test_both_call_forms_give_equal_answers(onnx_runtime):
    by_name = one(onnx_runtime, f"optimize_song({ARGUMENTS})")
    assert by_name == one(onnx_runtime, f"optimize_song({POSITIONS})")
    row = ", ".join(
        f"{value} as {name}" for name, value in re.findall(r"(\w+) := ([^,]+)", ARGUMENTS)
    )
    assert by_name == one(onnx_runtime, "optimize_song(t)", f"from (select {row}) as t")
    options = "features := ['energy'], max_change := 0.1, max_features := 1, penalty := 0"
    assert one(onnx_runtime, f"optimize_song({ARGUMENTS}, {options})") == one(
        onnx_runtime, f"optimize_song({POSITIONS}, ['energy'], 0.1, 1, 0)"
    )


def test_null_features_mean_all_features(onnx_runtime):
    assert one(onnx_runtime, f"optimize_song({ARGUMENTS}, features := null)") == one(
        onnx_runtime, f"optimize_song({ARGUMENTS})"
    )


@pytest.mark.parametrize(
    "change",
    [
        ("energy := 0.6", "energy := null"),
        ("energy := 0.6", "energy := 'nan'::double"),
        ("energy := 0.6", "energy := 'inf'::double"),
        ("energy := 0.6", "energy := 1e20"),
        ("tempo := 120", "tempo := 0"),
        ("genres := ['pop']", "genres := null"),
        ("genres := ['pop']", "genres := ['pop'], max_change := null"),
        ("genres := ['pop']", "genres := ['pop'], max_features := null"),
        ("genres := ['pop']", "genres := ['pop'], penalty := null"),
        ("genres := ['pop']", "genres := ['pop'], penalty := 'nan'::double"),
        ("genres := ['pop']", "genres := ['pop'], features := []::varchar[], max_change := null"),
    ],
)
def test_a_bad_value_gives_null_and_does_not_affect_other_rows(onnx_runtime, change):
    arguments = ARGUMENTS.replace(*change)
    assert one(onnx_runtime, f"optimize_song({arguments})") is None
    assert one(onnx_runtime, f"describe_changes(optimize_song({arguments}))") is None
    rows = onnx_runtime.execute(
        f"select optimize_song({ARGUMENTS}) is null "
        f"union all select optimize_song({arguments}) is null"
    ).fetchall()
    assert sorted(rows) == [(False,), (True,)]


def test_a_value_beyond_its_bound_may_stay_but_moves_no_farther(onnx_runtime):
    loud = ARGUMENTS.replace("loudness := -7", "loudness := 2").replace(":= 120", ":= 230")
    found = one(onnx_runtime, f"optimize_song({loud}, max_features := 9)")
    assert found["after"]["loudness"] <= 2 and found["after"]["tempo"] <= 230
    locked = one(onnx_runtime, f"optimize_song({loud}, features := ['energy'])")
    assert (locked["after"]["loudness"], locked["after"]["tempo"]) == (2, 230)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (
            "features := ['energy', 'bpm']",
            r"features are \[energy, bpm\]: give some of danceability",
        ),
        ("features := ['energy', null]", "give some of danceability, energy, loudness"),
        ("max_change := 1.5", "max_change is 1.5: give a share of the range, 0 to 1"),
        ("max_change := -0.1", "max_change is -0.1"),
        ("max_features := 0", "max_features is 0: give 1 to 9"),
        ("max_features := 10", "max_features is 10: give 1 to 9"),
        ("penalty := -1", "penalty is -1: give 0 to 1e"),
        ("penalty := 'inf'::double", "penalty is inf"),
    ],
)
def test_a_bad_option_is_an_error_that_names_valid_values(onnx_runtime, option, message):
    with pytest.raises(duckdb.Error, match=message):
        one(onnx_runtime, f"optimize_song({ARGUMENTS}, {option})")


def test_a_model_that_does_not_optimize_songs_is_refused(onnx_runtime):
    nine = "[1,1,1,1,1,1,1,1,1]::double[]"
    rest = f"'x', [1.0], {nine}, {nine}, {nine}, 3, 0.1, 30"
    ((judge,),) = onnx_runtime.execute(
        "select max(model_id) from ml.model_versions where algorithm = 'judge'"
    ).fetchall()
    with pytest.raises(duckdb.Error, match=f"model {judge} does not optimize songs"):
        one(onnx_runtime, f"onnx_optimize_song('{judge}', {rest})")
    with pytest.raises(duckdb.Error, match="no model nobody is in the registry"):
        one(onnx_runtime, f"onnx_optimize_song('nobody', {rest})")
    ((gradient,),) = onnx_runtime.execute(
        "select model_id from ml.champions where task = 'song_optimization'"
    ).fetchall()
    with pytest.raises(duckdb.Error, match=r"does not take a list of numbers: see select inputs"):
        one(onnx_runtime, f"onnx_predict('{gradient}', {nine})")


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("song", "[1.0]::double[]", "song has 1 numbers: give 129"),
        ("lows", "[0.0]::double[]", "lows has 1 numbers: give 9"),
        ("highs", "[]::double[]", "highs has 0 numbers: give 9"),
        ("max_changes", "list_transform(range(9), lambda i: -1.0)", "max_changes is -1: give 0 to"),
        ("steps", "1", "steps is 1: give 2 to 1000"),
        ("song", "null::double[]", None),
        ("lows", "null::double[]", None),
        ("max_changes", "null::double[]", None),
        ("judge", "null::varchar", None),
    ],
)
def test_a_bad_list_is_refused_or_gives_null(onnx_runtime, place, value, message):
    arguments = LOW_LEVEL | {place: value}
    call = f"onnx_optimize_song({', '.join(arguments.values())})"
    if message is None:
        assert one(onnx_runtime, call) is None
        assert one(onnx_runtime, f"onnx_optimize_song({', '.join(LOW_LEVEL.values())})") is not None
    else:
        with pytest.raises(duckdb.Error, match=message):
            one(onnx_runtime, call)


def test_the_error_on_the_sql_backend_names_the_next_step(sql_backend):
    with pytest.raises(duckdb.Error, match=r"udfs.register\(connection\), or read fct_song_opt"):
        one(sql_backend, f"optimize_song({ARGUMENTS})")


@pytest.mark.slow
def test_the_number_of_steps_can_be_given_to_the_model(onnx_runtime):
    def after(steps: int) -> float:
        call = ", ".join((LOW_LEVEL | {"steps": str(steps)}).values())
        return one(onnx_runtime, f"onnx_optimize_song({call}).popularity_after")

    before = one(onnx_runtime, f"optimize_song({ARGUMENTS}).popularity_before")
    assert before < after(2) < after(60)


# Descriptions in a sentence


def test_changes_are_described_in_a_sentence(onnx_runtime, sql_backend):
    found = one(onnx_runtime, f"describe_changes(optimize_song({ARGUMENTS}))")
    assert re.fullmatch(
        r"(Raise|Lower) \w+ from \S+( dB| BPM)? to \S+( dB| BPM)?(, (raise|lower) [^,]+)? and "
        r"(raise|lower) [^:]+: popularity by the model \d+ to \d+ \(\+\d+\.\d\), "
        r"and [+-]\d+\.\d by the held-out evaluator\.",
        found,
    )
    change = "{'feature': 'tempo', 'before': 99.6, 'after': 120, 'delta': 20.4}"
    figures = (
        "'popularity_before': 40.4, 'popularity_after': 45.6, 'popularity_delta': 5.2, "
        "'judged_delta': -0.3"
    )
    assert one(sql_backend, f"describe_changes({{'changes': [{change}], {figures}}})") == (
        "Raise tempo from 100 BPM to 120 BPM: popularity by the model 40 to 46 (+5.2), "
        "and -0.3 by the held-out evaluator."
    )
    tiny = "{'feature': 'energy', 'before': 0.041, 'after': 0.044, 'delta': 0.003}"
    silent = "{'feature': 'loudness', 'before': -15, 'after': -0.001, 'delta': 14.999}"
    assert one(sql_backend, f"describe_changes({{'changes': [{tiny}, {silent}], {figures}}})") == (
        "Raise energy slightly from 0.04 and raise loudness from -15.0 dB to 0.0 dB: "
        "popularity by the model 40 to 46 (+5.2), and -0.3 by the held-out evaluator."
    )
    nothing = f"describe_changes({{'changes': [{change}][:0], {figures}}})"
    assert one(sql_backend, nothing) == "Leave it as it is: no change was found that would help."


def test_names_bounds_and_defaults_equal_those_of_the_model(warehouse):
    """Training measures the options that a call without options uses."""
    assert list(TASKS["popularity"].inputs[:9]) == NAMES
    manifest = json.loads((warehouse.folder / "target" / "manifest.json").read_text())
    sql = manifest["functions"]["function.hitparade.optimize_song"]["compiled_code"]
    assert f"[{', '.join(f'{low:g}' for low in LOW)}]" in sql
    assert f"[{', '.join(f'{high:g}' for high in HIGH)}]" in sql
    options = f"max_change := {MAX_CHANGE}, max_features := {MOST}, penalty := {PENALTY})"
    assert sql.count(options) == 2
    assert len(re.findall(rf"penalty,\s+{STEPS}\s", sql)) == 2


def test_the_runtime_returns_the_type_that_the_function_declares(warehouse):
    manifest = json.loads((warehouse.folder / "target" / "manifest.json").read_text())
    sql = manifest["functions"]["function.hitparade.onnx_optimize_song"]["compiled_code"]
    declared = re.search(r"struct\([^)]*\)", sql).group()
    assert re.sub(r"\s+", " ", declared).replace("( ", "(").replace(" )", ")") == RETURNS
