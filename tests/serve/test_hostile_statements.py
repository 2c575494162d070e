"""Only a SELECT over permitted schemas runs; nothing reads or writes files or settings."""

import httpx
import psycopg
import pytest

from tests.serve import hostile

STATEMENTS = hostile.statements()
# No such relation, no permission, no such statement, or no such setting. Never an error inside.
REFUSALS = {
    *("42501", "42P01", "42601", "0A000", "42704", "55P02", "42883", "26000", "25006", "08P01"),
    "42P05",
}


def test_there_are_at_least_two_hundred_hostile_statements():
    assert len(STATEMENTS) >= 200


@pytest.mark.parametrize("protocol", ["simple", "extended"])
def test_hostile_statements_are_refused_before_they_run(client, protocol):
    answered = {}
    for sql in STATEMENTS:
        try:
            cursor = client.execute(sql, prepare=protocol == "extended")
            answered[sql] = cursor.fetchall() if cursor.description else cursor.statusmessage
        except psycopg.Error as error:
            if error.sqlstate not in REFUSALS:
                answered[sql] = error.sqlstate, str(error)
    assert answered == {}


def test_hostile_statements_are_refused_over_http(server):
    answered = {}
    with httpx.Client(base_url=server.http) as http:
        for sql in STATEMENTS:
            answer = http.post("/sql", json={"sql": sql})
            if answer.status_code not in (400, 403, 404) or "rows" in answer.json():
                answered[sql] = answer.status_code, answer.text
    assert answered == {}


def test_the_connection_and_the_file_are_as_before(server, client, warehouse):
    for sql in STATEMENTS:
        with pytest.raises(psycopg.Error):
            client.execute(sql)
    expected = warehouse.query("select count(*), sum(predict_hit(t)) from dim_tracks t")[0]
    found = client.execute("select count(*), sum(predict_hit(t)) from dim_tracks t").fetchone()
    assert found == pytest.approx(expected)


def test_a_schema_that_the_user_may_not_read_is_named(client):
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="schemas main, ml"):
        client.execute("select * from features.feat_hit")


def test_the_checks_do_not_refuse_what_only_looks_hostile(client):
    rows = client.execute(
        "with read_csv as (select 'current_setting' as copy, 1 as duckdb_settings)"
        " select copy || '; drop table x', duckdb_settings from read_csv"
    ).fetchall()
    assert rows == [("current_setting; drop table x", 1)]
