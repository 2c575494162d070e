"""The traffic of a task, split between its champion and challengers."""

import math

import duckdb
import pytest

import udfs
from tests.e2e.registry import champion, other, others
from tests.hand_models import softmax_of_two
from tests.warehouse import ROOT
from udfs.registry.operations import renew_served_models

QUERY = (ROOT / "sql" / "champion_against_challengers.sql").read_text()
KEYS = "select range, assigned_model('hit', 'track ' || range) from range(10000)"


def split(connection) -> dict:
    return dict(connection.execute(KEYS).fetchall())


def test_keys_are_split_by_share_and_equally_in_every_session(small_copy):
    second = other(small_copy)
    with duckdb.connect(small_copy.database) as connection:
        assert set(split(connection).values()) == {champion(small_copy, connection)}
        udfs.assign(connection, "hit", second, 0.2)
        count = sum(model_id == second for model_id in split(connection).values())
        # Five standard deviations of a fair draw.
        assert abs(count - 2_000) < 5 * math.sqrt(10_000 * 0.2 * 0.8)
        expected = split(connection)
    assert dict(small_copy.query(KEYS)) == expected


def test_a_changed_share_moves_keys_only_between_its_model_and_the_champion(small_copy):
    second, third = others(small_copy)
    first = champion(small_copy)
    with duckdb.connect(small_copy.database) as connection:
        udfs.assign(connection, "hit", second, 0.2)
        udfs.assign(connection, "hit", third, 0.1)
        states = [split(connection)]
        for model_id, share in ((third, 0.6), (second, 0.4), (third, 0.05), (second, 0)):
            udfs.assign(connection, "hit", model_id, share)
            states.append(split(connection))
            moved = {
                frozenset((before, after))
                for before, after in zip(*(s.values() for s in states[-2:]), strict=True)
                if before != after
            }
            assert moved == {frozenset((first, model_id))}
        shares = dict(connection.execute("select model_id, share from ml.traffic").fetchall())
    assert shares[third] == pytest.approx(0.05)
    assert shares[first] == pytest.approx(0.95)
    assert second not in shares


def test_a_promoted_challenger_is_once_in_the_traffic(small_copy):
    first, second = champion(small_copy), other(small_copy)
    with duckdb.connect(small_copy.database) as connection:
        udfs.assign(connection, "hit", second, 0.2)
        udfs.promote(connection, "hit", second)
        traffic = "select model_id, is_champion, share from ml.traffic where task = 'hit'"
        assert connection.execute(traffic).fetchall() == [(second, True, 1.0)]
        assert set(split(connection).values()) == {second}
        with pytest.raises(udfs.ModelError, match="is the champion of task hit: it has the rest"):
            udfs.assign(connection, "hit", second, 0.3)
        udfs.assign(connection, "hit", first, 0.3)
        compared = connection.execute(QUERY).fetchall()
    assert [(row[1], row[2]) for row in compared] == [(True, 0.7), (False, 0.3)]
    assert sum(row[3] for row in compared) > 100


def test_a_task_without_champion_has_no_traffic(small_copy):
    second = other(small_copy)
    with duckdb.connect(small_copy.database) as connection:
        udfs.assign(connection, "hit", second, 0.2)
        connection.execute(
            "insert into ml.promotions select now()::timestamp + interval 1 day, 'hit', null, "
            "'retired', false, false"
        )
        renew_served_models(connection)
        assert set(split(connection).values()) == {None}
        assert connection.execute("select * from ml.traffic where task = 'hit'").fetchall() == []


def test_only_a_model_that_fits_the_functions_gets_a_share(small_copy):
    given = {"task": "hit", "inputs": ["a"], "labels": ["false", "true"]}
    with duckdb.connect(small_copy.database) as connection:
        model_id = udfs.register_model(connection, softmax_of_two(), **given)
        with pytest.raises(udfs.ModelError, match="takes a, but the functions of task hit pass"):
            udfs.assign(connection, "hit", model_id, 0.1)


def test_a_key_may_have_any_type_and_a_task_may_lack_a_champion(small_copy):
    query = (
        "select assigned_model('hit', 7) = assigned_model('hit', '7'), assigned_model('hit', null) "
    )
    assert small_copy.query(query + "is not null, assigned_model('mood', 7)") == [
        (True, True, None)
    ]


def test_each_row_is_scored_by_the_model_it_names(connection):
    tracks = "(from dim_tracks as t where check_hit(t) = [] order by track_id limit 50) as t"
    rows = connection.execute(
        "select model_id, onnx_predict(model_id, encode_hit(t))[2] "
        f"from {tracks}, ml.served_models as models "
        "where models.task = 'hit' order by t.track_id, model_id"
    ).fetchall()
    models = sorted({model_id for model_id, _ in rows})
    assert len(models) == 3
    for model_id in models:
        alone = connection.execute(
            f"select onnx_predict(?, encode_hit(t))[2] from {tracks} order by t.track_id",
            [model_id],
        ).fetchall()
        found = [answer for name, answer in rows if name == model_id]
        assert len(found) == 50
        assert found == pytest.approx([answer for (answer,) in alone], rel=1e-6)


def test_the_share_of_a_promoted_challenger_becomes_free(small_copy):
    first, second = champion(small_copy), other(small_copy)
    with duckdb.connect(small_copy.database) as connection:
        udfs.assign(connection, "hit", second, 0.5)
        udfs.promote(connection, "hit", second)
        udfs.assign(connection, "hit", first, 0.7)
        shares = connection.execute(
            "select model_id, share from ml.traffic where task = 'hit'"
        ).fetchall()
    assert dict(shares) == pytest.approx({second: 0.3, first: 0.7})


def test_the_key_column_may_have_any_name(small_copy):
    challenger = other(small_copy)
    with duckdb.connect(small_copy.database) as connection:
        udfs.assign(connection, "hit", challenger, 0.5)
        names = ("k", "s", "o", "S", "key", "task_name", "bucket", "slices")
        counts = {
            name: connection.execute(
                f"select count(*) from (select 'track ' || range as {name} from range(1000)) "
                f"where assigned_model('hit', {name}) = '{challenger}'"
            ).fetchall()
            for name in names
        }
    assert 400 < counts["k"][0][0] < 600
    assert counts == dict.fromkeys(names, counts["k"])


def test_small_shares_are_not_rounded_away(small_copy):
    challenger = other(small_copy)
    with duckdb.connect(small_copy.database) as connection:
        udfs.assign(connection, "hit", challenger, 0.3)
        with pytest.raises(
            udfs.ModelError, match=r"a share must be 0 or at least 0.0001, got 4e-05"
        ):
            udfs.assign(connection, "hit", challenger, 0.00004)


def test_shares_cannot_exceed_1(small_copy):
    second, third = others(small_copy)
    with duckdb.connect(small_copy.database) as connection:
        udfs.assign(connection, "hit", second, 0.9)
        with pytest.raises(udfs.ModelError, match=r"is 0 to 0\.1, because other challengers"):
            udfs.assign(connection, "hit", third, 0.2)
        with pytest.raises(udfs.ModelError, match=r"is 0 to 1, got"):
            udfs.assign(connection, "hit", second, -0.1)
        udfs.assign(connection, "hit", third, 0.1)
        champion_share = "select share from ml.traffic where task = 'hit' and is_champion"
        assert connection.execute(champion_share).fetchall() == [(0.0,)]
        for model_id in (second, third):
            udfs.assign(connection, "hit", model_id, 0)
        assert connection.execute("select count(*) from ml.assignments").fetchall() == [(0,)]
