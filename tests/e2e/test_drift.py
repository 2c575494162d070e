"""Drift reports: zero if nothing changed, else equal to NumPy's result; and their levels."""

import json

import duckdb
import numpy as np
import pytest

from tests.e2e.records import rewrite
from tests.e2e.registry import other

REPORTS = ("rpt_feature_drift", "rpt_prediction_drift")


def report(warehouse, *changes: str) -> dict[str, str]:
    """Change the database, build the reports, and return the status of their tests."""
    with duckdb.connect(warehouse.database) as connection:
        for change in changes:
            connection.execute(change)
    warehouse.dbt("build", "--select", "profiles", *REPORTS, check=False)
    text = (warehouse.folder / "target" / "run_results.json").read_text()
    return {one["unique_id"].split(".")[2]: one["status"] for one in json.loads(text)["results"]}


def drifted(warehouse, report: str = "rpt_feature_drift") -> dict[tuple, str]:
    query = f"select task, * exclude (task, origin) from {report} where level <> 'none'"
    return {(task, name): level for task, _, name, *_, level in warehouse.query(query)}


def psi(expected: np.ndarray, observed: np.ndarray) -> tuple[float, float]:
    """PSI and Jensen-Shannon of bin counts, with half a row added to each bin."""
    p = (expected + 0.5) / (expected + 0.5).sum()
    q = (observed + 0.5) / (observed + 0.5).sum()
    m = (p + q) / 2
    divergence = (p @ np.log2(p / m) + q @ np.log2(q / m)) / 2
    return float((p - q) @ np.log(p / q)), float(divergence)


def test_unchanged_data_has_no_drift(small_warehouse):
    rows = small_warehouse.query("select task, feature, psi, level from rpt_feature_drift")
    assert {task for task, *_ in rows} >= {"hit", "tier", "popularity"}
    assert ("tier", "genres") in {(task, feature) for task, feature, *_ in rows}
    assert {tuple(row[2:]) for row in rows} == {(0.0, "none")}
    rows = small_warehouse.query("select task, psi, level from rpt_prediction_drift")
    assert {task for task, *_ in rows} >= {"hit", "tier", "popularity"}
    assert {tuple(row[1:]) for row in rows} == {(0.0, "none")}


def test_a_profile_counts_every_row_once(small_warehouse):
    features = "select sum(row_count) from ml.profiles where kind = 'feature' and task = 'hit' "
    rows = small_warehouse.query("select count(*) from features.feat_hit")
    assert small_warehouse.query(features + "group by name") == rows * 4
    bins = "select count(*) from ml.profiles where task = 'hit' and name = 'energy'"
    assert small_warehouse.query(bins) == [(10,)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shift", "level", "far", "at_all"),
    [(0.1, "warn", "pass", "warn"), (0.3, "error", "fail", "warn")],
)
def test_drift_of_a_shifted_feature_equals_numpys(shift, level, far, at_all, small_copy):
    before = small_copy.query("select energy from features.feat_hit")
    change = f"update features.feat_hit set energy = least(energy + {shift}, 1)"
    statuses = report(small_copy, change)
    after = small_copy.query("select energy from features.feat_hit")
    edges = small_copy.query(
        "select low from ml.profiles where task = 'hit' and name = 'energy' and low is not null "
        "order by low"
    )
    bins = [-np.inf, *(low for (low,) in edges), np.inf]
    counts = [np.histogram(np.ravel(values), bins)[0] for values in (before, after)]
    query = "select psi, jensen_shannon, level from rpt_feature_drift where task = 'hit' "
    ((*found, said),) = small_copy.query(query + "and feature = 'energy'")
    assert found == pytest.approx(psi(*counts), rel=1e-9)
    assert said == level
    assert drifted(small_copy) == {("hit", "energy"): level}
    assert statuses["no_feature_drifts_far"] == far
    query = "select message from ml.runs where node = 'test.no_feature_drifts' and status = 'warn'"
    expected = f"task hit, feature energy, psi {round(found[0], 2)}"
    assert small_copy.query(query)[0][0].endswith(f", such as {expected}")
    assert statuses["no_feature_drifts"] == at_all
    assert statuses["no_prediction_drifts_far"] == statuses["no_prediction_drifts"] == "pass"


@pytest.mark.slow
def test_the_input_with_the_largest_drift_is_named(small_copy):
    change = "energy = least(energy + 0.1, 1), tempo = tempo + 60"
    report(small_copy, f"update features.feat_hit set {change}")
    assert drifted(small_copy) == {("hit", "energy"): "warn", ("hit", "tempo"): "error"}
    query = "select message from ml.runs where node = 'test.no_feature_drifts' and status = 'warn'"
    assert ", such as task hit, feature tempo, psi " in small_copy.query(query)[0][0]


ATOMS = {
    "nearly all the same": (
        "case when hash(track_id) % 20 = 0 then hash(track_id) % 100 / 100 else 0.5 end"
    ),
    "one value": "0.5",
    "few values": "hash(track_id) % 3 / 2",
}


@pytest.mark.slow
@pytest.mark.parametrize("to", [0.2, 0.9])
@pytest.mark.parametrize("before", ATOMS)
def test_rows_that_leave_a_frequent_value_are_drift(before, to, small_copy):
    """This must hold on either side of the value, although many bins are equal there."""
    forget = "delete from ml.profiles where kind = 'feature' and task = 'hit'"
    report(small_copy, forget, f"update features.feat_hit set energy = {ATOMS[before]}")
    assert drifted(small_copy) == {}
    report(small_copy, f"update features.feat_hit set energy = {to}")
    assert drifted(small_copy) == {("hit", "energy"): "error"}


def source_drift(warehouse) -> dict[tuple, str]:
    return drifted(warehouse, "rpt_source_drift")


@pytest.mark.slow
def test_a_source_in_the_wrong_units_is_reported(small_copy, new_sample, small_sample):
    """The new champions were trained on these rows, so the usual comparison shows no drift."""

    def in_other_units(rows):
        return [row | {"energy": str(float(row["energy"]) / 100)} for row in rows]

    assert source_drift(small_copy) == {}  # the first champions have no predecessors
    rewrite(new_sample / "dataset.csv", in_other_units)
    # The champion of tier stays: the comparison with its own rows reports the drift.
    small_copy.build(HITPARADE_SAMPLE=str(new_sample))
    replaced = "select task from ml.previous_champions order by all"
    tasks = [task for (task,) in small_copy.query(replaced)]
    assert "hit" in tasks
    assert drifted(small_copy) == {("tier", "energy"): "error"}
    found = {(task, "energy"): "error" for task in tasks}
    assert source_drift(small_copy) == found
    small_copy.dbt("build", "--select", "rpt_sources", "rpt_source_drift")
    assert source_drift(small_copy) == found
    # Once fixed, the rows are like those of the first replaced champions.
    small_copy.build(HITPARADE_SAMPLE=str(small_sample))
    assert source_drift(small_copy) == {}


TOMORROW = """
    insert into ml.promotions by name
    select * replace (promoted_at + to_days(1) as promoted_at, '{}' as model_id)
    from ml.promotions where task = 'hit'
"""


@pytest.mark.slow
def test_only_champions_replaced_by_the_rule_count_and_not_those_of_the_sample(
    small_copy,
):
    def build(*changes: str) -> dict[tuple, str]:
        with duckdb.connect(small_copy.database) as connection:
            for change in changes:
                connection.execute(change)
        small_copy.dbt("build", "--select", "rpt_sources", "rpt_source_drift")
        return source_drift(small_copy)

    found = {("hit", "energy"): "error"}
    replaced = TOMORROW.format(other(small_copy))
    assert build("update features.feat_hit set energy = energy / 100", replaced) == found
    assert build("update ml.promotions set is_manual = true where task = 'hit'") == {}
    assert build("update ml.promotions set is_manual = false where task = 'hit'") == found
    other_files = "update ml.run_sources set status = 'real' where source {} 'tracks'"
    assert build(other_files.format("<>")) == found
    assert build(other_files.format("=")) == {}
    assert build() == found  # the build before used the sample, too
    # A failed build does not count: trying it again gives no report either.
    newest = "(select max(started_at) from ml.run_sources)"
    failed = f"update ml.runs set status = 'error' where started_at = {newest}"
    assert build(f"{other_files.format('=')} and started_at < {newest}", failed) == {}
    assert build("update ml.run_sources set status = 'sample'") == found
    # The champion is retired, and the rows differ from those of the last champion.
    retired = "update ml.promotions set model_id = null where promoted_at > now()::timestamp"
    assert build(retired) == found
    assert build("update ml.promotions set promoted_at = promoted_at - to_days(4)") == {}


@pytest.mark.slow
def test_an_identical_retrained_model_is_compared_with_the_newer_rows(small_copy):
    """This happens if only rows of the first fold changed: no model is trained on them."""
    with duckdb.connect(small_copy.database) as connection:
        connection.execute(
            "insert into ml.train_hit select * replace "
            "(version + 1 as version, 'newer rows' as feature_fingerprint, "
            "trained_at + to_days(1) as trained_at) from ml.train_hit"
        )
    report(small_copy)
    counts = "select distinct expected_rows = observed_rows, psi from rpt_feature_drift"
    assert small_copy.query(f"{counts} where task = 'hit'") == [(True, 0)]


@pytest.mark.slow
def test_added_and_removed_genres_are_drift(small_copy):
    report(small_copy, "update features.int_tracks set genres = ['no one knew'] where key < 6")
    assert set(drifted(small_copy)) == {("tier", "genres"), ("popularity", "genres")}


@pytest.mark.slow
def test_changed_tier_predictions_are_drift(small_copy):
    counts = (
        "select tier, count(tier) from fct_track_predictions where tier is not null group by tier"
    )
    before = dict(small_copy.query(counts))
    statuses = report(
        small_copy,
        "update fct_track_predictions set tier = 'Viral' where tier = 'Flop' and track_id < 'c'",
    )
    after = dict(small_copy.query(counts))
    labels = sorted({*before, *after})
    expected = psi(*(np.array([found.get(one, 0) for one in labels]) for found in (before, after)))
    query = "select psi, jensen_shannon from rpt_prediction_drift where task = 'tier'"
    assert small_copy.query(query)[0] == pytest.approx(expected, rel=1e-9)
    assert statuses["no_prediction_drifts"] == "warn"


@pytest.mark.slow
def test_a_new_champion_is_compared_with_itself(small_copy):
    """Its own first predictions are the reference, not those of the previous champion."""
    arguments = json.dumps({"task": "hit", "model_id": other(small_copy)})
    small_copy.dbt("run-operation", "promote", "--args", arguments)
    small_copy.dbt("build", "--select", "fct_track_predictions", "profiles", *REPORTS)
    query = "select count(distinct reference) from ml.profiles where kind = 'prediction' and "
    assert small_copy.query(query + "task = 'hit'") == [(2,)]
    assert drifted(small_copy, "rpt_prediction_drift") == {}
