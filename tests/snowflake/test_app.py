"""The what-if page as Streamlit in Snowflake: the same file on a Snowpark session."""

import sys

import pytest

from hitparade.app import queries, songs
from tests.warehouse import ROOT

pytestmark = pytest.mark.slow

snowpark = pytest.importorskip("snowflake.snowpark", reason="the extra snowflake is not there")
testing = pytest.importorskip("streamlit.testing.v1", reason="the extra app is not there")

PAGE = ROOT / "hitparade" / "app" / "page.py"


@pytest.fixture
def session(built):
    """The session that a page in Snowflake runs in."""
    opened = snowpark.Session.builder.configs({"connection": built.connect()}).create()
    yield opened
    opened.cancel_all = lambda: None  # the emulator does not know it
    opened.close()


@pytest.fixture
def page(session, monkeypatch):
    # Each run makes the page the module __main__; processes of later tests would start with it.
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    drawn = testing.AppTest.from_file(str(PAGE), default_timeout=120).run()
    assert not drawn.exception
    assert [one.value for one in drawn.error] == []
    return drawn


def metrics(page) -> dict[str, str]:
    return {one.label.removesuffix(" ★"): one.value for one in page.metric}


def test_the_page_shows_the_answers_of_snowflake(page, built):
    relation = queries.song_relation(songs.START | {"energy": 0.4}, "{}")
    tasks, algorithms = {"hit", "popularity"}, ["random_forest", "xgboost"]
    row = built.query(queries.numbers(relation, tasks, algorithms))[0]
    moved = page.slider("energy 0").set_value(0.4).run()
    assert [one.value for one in moved.error] == []
    shown = metrics(moved)
    assert shown["random forest"] == f"{100 * row[0]:.1f}%"
    assert shown["xgboost"] == f"{100 * row[1]:.1f}%"
    assert shown["Popularity"] == f"{row[3]:.0f}"
    assert shown["Tier"] in {"Flop", "Mid", "Hit", "Viral"}
    assert shown["Popularity now"] and shown["By the held-out evaluator"]


def test_typed_text_is_a_string_in_snowflake(page):
    drawn = page.text_input("words").set_value("\\' or 1 = 1 --").run()
    assert not drawn.exception
    assert [one.value for one in drawn.error] == []
    assert "No track and no artist has" in drawn.caption[0].value


def test_a_preset_and_a_playlist_work_in_snowflake(page, built):
    before = metrics(page)
    drawn = page.selectbox("preset").select("Chill").run()
    assert not drawn.exception
    assert drawn.slider("energy 1").value == 0.32
    after = metrics(drawn)
    assert after["xgboost"] != before["xgboost"]
    assert after["Popularity"] != before["Popularity"]
    track = built.query("select track_name from staging.stg_mpd__tracks order by track_uri limit 1")
    drawn.text_input("playlist_words").set_value(track[0][0]).run()
    adds = [one for one in drawn.button if one.label.startswith("+ ")]
    adds[0].click().run()
    assert not drawn.exception
    assert [one.value for one in drawn.error] == []
    assert any(one.value == "What comes next" for one in drawn.markdown)
