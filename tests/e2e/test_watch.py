"""`hitparade watch`: each planted silent failure is found, and reported once."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import duckdb
import pytest

from tests.e2e.registry import hitparade

# Rows of earlier builds, one per day, as builds write them.
EARLIER = """
    insert into ml.{table} by name
    select kept.* replace (started_at - to_days(day) as started_at, run_id || '-' || day as run_id)
    from ml.{table} as kept
    cross join (select cast(n as integer) as day from range(1, {days} + 1) as numbers (n))
"""
WHOLE = "node in ('model.rpt_sources', 'model.dim_tracks', 'test.unique_dim_tracks_track_id')"


@pytest.fixture
def endpoint():
    """A local webhook: `received` has the messages it got, `status` is its answer."""

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self):
            length = int(self.headers["Content-Length"])
            self.server.received.append(json.loads(self.rfile.read(length)))
            self.send_response(self.server.status)
            self.end_headers()

        def log_message(self, *_):
            """Log nothing."""

    server = HTTPServer(("127.0.0.1", 0), Webhook)
    server.received, server.status = [], 200
    server.url = f"json://127.0.0.1:{server.server_port}/incidents"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


@pytest.fixture
def watched(small_copy):
    """A warehouse that was built daily for five days without a problem."""
    with duckdb.connect(small_copy.database) as connection:
        connection.execute("delete from ml.runs where not " + WHOLE)
        connection.execute(EARLIER.format(table="runs", days=5))
        connection.execute(EARLIER.format(table="run_sources", days=5))
    assert watch(small_copy).exit_code == 0
    return small_copy


def watch(warehouse, *urls: str):
    return hitparade(warehouse, "watch", *(word for url in urls for word in ("--url", url)))


def plant(warehouse, *statements: str) -> None:
    with duckdb.connect(warehouse.database) as connection:
        for statement in statements:
            connection.execute(statement)


NEWEST = "(select max(started_at) from ml.runs)"
PLANTED = {
    "late_build": (
        ["update ml.runs set started_at = started_at - to_days(2)"],
        "no build succeeded for 4",
    ),
    "failed_build": (
        [
            "insert into ml.runs by name select * replace ("
            "started_at + to_minutes(1) as started_at, 'new' as run_id, "
            "'error' as status, 'disk full' as message) from ml.runs "
            f"where started_at = {NEWEST} and node = 'model.dim_tracks'"
        ],
        "model.dim_tracks failed and has not succeeded since: disk full; fix it",
    ),
    "stale_source": (
        [
            "update ml.run_sources set status = 'real', fingerprint = run_id "
            "where source = 'tracks'",
            "update ml.run_sources set started_at = started_at - to_days(10)",
        ],
        "source tracks has not changed for 240 hours, and usually changes every 24.0",
    ),
    "row_count": (
        [
            "update ml.runs set row_count = row_count // 2 where node = 'model.dim_tracks' "
            f"and started_at = {NEWEST}"
        ],
        "model.dim_tracks has",
    ),
    "quarantine": (
        [
            "update ml.run_sources set quarantined_share = 0.25 where source = 'chart_songs' "
            "and started_at = (select max(started_at) from ml.run_sources)"
        ],
        "of the records of source chart_songs are in quarantine, and usually 0",
    ),
    "no_champion": (
        [
            "insert into ml.promotions values "
            "(now()::timestamp, 'tier', null, 'no better than the baseline', false, false)"
        ],
        "task tier has lost its champion, and its functions fail: no better than the baseline",
    ),
    "refused_training": (
        [
            "insert into ml.train_tier (task, trained_at, registry_format, refusal) "
            "select 'tier', trained_at + to_days(1), registry_format, 'task tier has 3 rows' "
            "from ml.train_tier limit 1"
        ],
        "task tier keeps a champion that was trained on earlier rows, because the last training "
        "was refused: task tier has 3 rows",
    ),
    "feature_drift": (
        [
            "update rpt_feature_drift set psi = 0.2, level = 'warn' "
            "where task = 'hit' and feature = 'energy'"
        ],
        "feature energy of task hit has drifted from the champion's training data: PSI 0.2",
    ),
    "source_drift": (
        [
            "insert into rpt_source_drift select * replace (0.3 as psi, 'error' as level) "
            "from rpt_feature_drift where task = 'hit' and feature = 'energy'",
            "insert into rpt_source_drift select * replace (0.2 as psi, 'warn' as level) "
            "from rpt_feature_drift where task = 'hit' and feature <> 'energy'",
        ],
        "champion of task hit was replaced, and the rows have drifted from its training data: "
        "energy with PSI 0.3 and 3 more, see rpt_source_drift",
    ),
    "prediction_drift": (
        ["update rpt_prediction_drift set psi = 0.31, level = 'error' where task = 'tier'"],
        "predictions of task tier have drifted from the champion's first ones: PSI 0.31",
    ),
    "weak_champion": (
        [
            "update ml.train_hit set metrics = list_transform(metrics, lambda m: "
            "struct_update(m, mean := 0.4))"
        ],
        "the champion of task hit is no better than the baseline: roc_auc 0.4 against 0.5",
    ),
}


@pytest.mark.parametrize("check", PLANTED)
def test_a_planted_failure_is_found(check, watched, endpoint):
    statements, message = PLANTED[check]
    plant(watched, *statements)
    result = watch(watched, endpoint.url)
    assert result.exit_code == 1, result.output
    (sent,) = endpoint.received
    assert sent["title"] == f"hitparade: 1 new in {watched.database.name}"
    assert message in sent["message"]
    assert f"{check}: " in result.output
    checks = watched.query("select check_name from rpt_incidents")
    assert checks == [(check,)]


def test_each_incident_is_reported_once(watched, endpoint):
    plant(watched, *PLANTED["row_count"][0])
    assert watch(watched, endpoint.url).exit_code == 1
    assert watch(watched, endpoint.url).exit_code == 1
    assert len(endpoint.received) == 1
    plant(watched, *PLANTED["quarantine"][0])
    assert watch(watched, endpoint.url).exit_code == 1
    assert "dim_tracks" not in endpoint.received[1]["message"]
    # An incident that is resolved and returns is a new incident.
    plant(watched, f"update ml.runs set row_count = row_count * 2 where started_at = {NEWEST}")
    plant(watched, "update ml.run_sources set quarantined_share = 0")
    assert watch(watched, endpoint.url).exit_code == 0
    plant(watched, *PLANTED["row_count"][0])
    assert watch(watched, endpoint.url).exit_code == 1
    assert len(endpoint.received) == 3


def test_each_failed_build_is_reported_and_resolved_incidents_are_forgotten(watched, endpoint):
    plant(watched, *PLANTED["failed_build"][0])
    watch(watched, endpoint.url)
    plant(watched, "update ml.runs set run_id = 'newer', message = 'other' where run_id = 'new'")
    watch(watched, endpoint.url)
    watch(watched, endpoint.url)
    messages = [one["message"] for one in endpoint.received]
    assert ["disk full" in messages[0], "other" in messages[1], len(messages)] == [True, True, 2]
    assert {one["type"] for one in endpoint.received} == {"failure"}
    plant(watched, "delete from ml.runs where run_id = 'newer'")
    assert watch(watched).exit_code == 0  # without a URL
    assert json.loads(watched.database.with_suffix(".watch.json").read_text()) == {}


def test_unsent_messages_are_sent_later(watched, endpoint):
    plant(watched, *PLANTED["late_build"][0])
    endpoint.status = 500
    failed = watch(watched, endpoint.url)
    assert failed.exit_code == 2
    assert "a message could not be sent" in failed.output
    endpoint.status = 200
    assert watch(watched, endpoint.url).exit_code == 1
    assert len(endpoint.received) == 2
    assert watch(watched, "nowhere://").exit_code == 1
    plant(watched, *PLANTED["quarantine"][0])
    assert "is not a URL that Apprise can send to" in watch(watched, "nowhere").output


LATER = """
    insert into ml.runs by name
    select * replace (
        started_at + to_minutes({minutes}) as started_at,
        '{run}' as run_id,
        '{status}' as status
    )
    from ml.runs where started_at = {newest} and node = '{node}'
"""


def test_a_failure_remains_until_its_node_succeeds(watched):
    def later(minutes: int, status: str, node: str) -> None:
        newest = "(select max(started_at) from ml.runs where node = 'model.rpt_sources')"
        names = {"minutes": minutes, "run": str(minutes), "status": status, "node": node}
        plant(watched, LATER.format(newest=newest, **names))

    later(0, "error", "model.rpt_sources")
    later(1, "error", "model.dim_tracks")
    later(2, "success", "test.unique_dim_tracks_track_id")
    found = watch(watched).output
    assert "failed_build: model.dim_tracks" in found
    assert "more" not in found  # than this one in its run
    later(3, "skipped", "model.dim_tracks")
    assert "failed_build: model.dim_tracks" in watch(watched).output
    later(4, "success", "model.dim_tracks")
    later(4, "success", "model.rpt_sources")
    assert watch(watched).exit_code == 0


@pytest.mark.parametrize(("hours", "is_told"), [(1, False), (25, False), (27, True)])
def test_a_source_is_not_stale_before_the_next_build(hours, is_told, watched):
    """A source that changed between builds a minute apart is not stale either."""
    newest = "(select max(started_at) from ml.run_sources)"
    days = f"date_diff('day', started_at, {newest})"
    plant(
        watched,
        "update ml.run_sources set status = 'real', fingerprint = run_id where source = 'tracks'",
        "update ml.run_sources set started_at = "
        f"{newest} - to_minutes({days}) - to_hours({hours}) where source = 'tracks'",
    )
    assert ("stale_source" in watch(watched).output) == is_told


def test_fewer_quarantined_rows_and_a_removed_model_are_no_incidents(watched):
    plant(
        watched,
        "update ml.run_sources set quarantined_share = 0.3 "
        "where started_at < (select max(started_at) from ml.run_sources)",
        "update ml.runs set node = 'model.gone' "
        f"where node = 'model.dim_tracks' and started_at < {NEWEST}",
        "update ml.runs set row_count = row_count // 2 where node = 'model.gone' and started_at = "
        "(select max(started_at) from ml.runs where node = 'model.gone')",
    )
    assert watch(watched).exit_code == 0


def test_reported_incidents_are_remembered_while_the_database_is_unreadable(watched, endpoint):
    plant(watched, *PLANTED["row_count"][0])
    watch(watched, endpoint.url)
    away = watched.database.rename(watched.database.with_suffix(".away"))
    watch(watched, endpoint.url)
    away.rename(watched.database)
    watch(watched, endpoint.url)
    assert len(endpoint.received) == 2


def test_nothing_is_sent_if_it_cannot_be_remembered(watched, endpoint):
    plant(watched, *PLANTED["row_count"][0])
    watched.database.with_suffix(".watch.new").mkdir()
    result = watch(watched, endpoint.url)
    assert (result.exit_code, endpoint.received) == (2, [])
    assert ".watch.new" in result.output


def test_lost_rows_are_reported_for_sources_but_not_for_reports(watched):
    plant(
        watched,
        "update ml.runs set node = 'model.rpt_calibration' where node = 'model.dim_tracks'",
        "update ml.runs set row_count = row_count // 2 where node = 'model.rpt_calibration' "
        f"and started_at = {NEWEST}",
    )
    assert watch(watched).exit_code == 0
    plant(
        watched,
        "update ml.run_sources set row_count = row_count // 2 where source = 'tracks' "
        "and started_at = (select max(started_at) from ml.run_sources)",
    )
    assert "row_count: source tracks has 1000 rows, and usually 2000" in watch(watched).output


def test_real_files_after_the_sample_are_no_incident(watched):
    """They have other rows, and a champion of the sample may be useless on them."""
    sources = "update ml.run_sources set {} where source = 'tracks' and started_at {} " + NEWEST
    plant(watched, *PLANTED["no_champion"][0], sources.format("row_count = 7", "<"))
    found = watch(watched).output
    assert ("no_champion: task tier" in found, "row_count: source tracks" in found) == (True, True)
    plant(watched, sources.format("status = 'real'", "<"))
    assert watch(watched).exit_code == 0


def test_a_damaged_memory_file_is_reported(watched, endpoint):
    plant(watched, *PLANTED["row_count"][0])
    watched.database.with_suffix(".watch.json").write_text("")
    result = watch(watched, endpoint.url)
    assert result.exit_code == 2
    assert "is damaged: delete it" in result.output


def test_a_database_that_cannot_be_read_is_an_incident(empty, endpoint):
    assert watch(empty, endpoint.url).exit_code == 1
    assert "run `hitparade build`" in endpoint.received[0]["message"]


def test_a_new_source_with_many_quarantined_rows_is_reported(small_copy):
    plant(small_copy, "update ml.run_sources set quarantined_share = 0.05 where source = 'tracks'")
    assert watch(small_copy).exit_code == 0
    plant(small_copy, "update ml.run_sources set quarantined_share = 0.2 where source = 'tracks'")
    result = watch(small_copy)
    assert result.exit_code == 1
    assert "20.0% of the records of source tracks are in quarantine, and 10%" in result.output
