"""The what-if page in a browser: its numbers equal those of SQL, and it explains problems."""

import json
import os
import pty
import re
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import pytest
from playwright.sync_api import Page, expect

import udfs
from hitparade.app import queries, songs
from tests.e2e.page import metric, served, slider
from tests.e2e.registry import hitparade, other

pytestmark = pytest.mark.slow

WAIT = 30_000
# As Spotify's Web API answered for a track.
AUDIO_FEATURES = {
    "danceability": 0.61,
    "energy": 0.71,
    "key": 8,
    "loudness": -5.5,
    "mode": 1,
    "speechiness": 0.08,
    "acousticness": 0.21,
    "instrumentalness": 0,
    "liveness": 0.35,
    "valence": 0.56,
    "tempo": 156.02,
    "type": "audio_features",
    "id": "2takcwOaAZWiXQijPHIx7B",
    "uri": "spotify:track:2takcwOaAZWiXQijPHIx7B",
    "track_href": "https://api.spotify.com/v1/tracks/2takcwOaAZWiXQijPHIx7B",
    "analysis_url": "https://api.spotify.com/v1/audio-analysis/2takcwOaAZWiXQijPHIx7B",
    "duration_ms": 237040,
    "time_signature": 4,
}
ALGORITHMS = ("logistic_regression", "random_forest", "xgboost")


@pytest.fixture(scope="module")
def address(warehouse):
    with served(warehouse.database) as url:
        yield url


@pytest.fixture
def page(browser, address):
    """The page, completely drawn."""
    opened = opened_page(browser, address)
    yield opened
    opened.close()


def opened_page(browser, address: str, width: int = 1366) -> Page:
    opened = browser.new_page(viewport={"width": width, "height": 900})
    opened.goto(address)
    expect(opened.get_by_text("What makes a hit?")).to_be_visible(timeout=WAIT)
    return opened


def numbers(warehouse, song: songs.Song) -> dict:
    """The predictions of a song by SQL."""
    relation = queries.song_relation(song, "cast({} as varchar[])")
    tasks = {"hit", "tier", "popularity", "log_streams"}
    with duckdb.connect(warehouse.database, read_only=True) as connection:
        udfs.register(connection)
        found = connection.sql(queries.numbers(relation, tasks, list(ALGORITHMS)))
        return dict(zip(found.columns, found.fetchall()[0], strict=True))


def expect_numbers(page: Page, warehouse, song: songs.Song) -> None:
    said = numbers(warehouse, song)
    for place, algorithm in enumerate(ALGORITHMS):
        shown = metric(page, algorithm.replace("_", " "))
        expect(shown).to_have_text(f"{100 * said[f'hit_{place}']:.1f}%", timeout=WAIT)
    expect(metric(page, "Tier")).to_have_text(said["tier"])
    expect(metric(page, "Popularity")).to_have_text(f"{said['popularity']:.0f}")
    expect(metric(page, "Log streams")).to_have_text(f"{said['log_streams']:.2f}")


def test_moving_a_slider_shows_the_numbers_of_sql(page, warehouse):
    expect_numbers(page, warehouse, songs.START)
    for _ in range(30):
        slider(page, "Energy").press("ArrowLeft")
    moved = songs.START | {"energy": 0.53}
    expect_numbers(page, warehouse, moved)
    assert numbers(warehouse, moved) != numbers(warehouse, songs.START)


def test_typing_before_the_sliders_are_drawn_leaves_the_song(browser, address, warehouse):
    opened = browser.new_page()
    sliders = []  # the requests for the code of sliders, which wait
    opened.route(re.compile(r"/Slider\.[^/]*\.js"), lambda request: sliders.append(request))
    opened.goto(address)
    for words in ("quiet", "loud"):
        opened.get_by_label("Search the tracks").fill(words)
        opened.get_by_label("Search the tracks").press("Enter")
        opened.wait_for_selector("[data-test-script-state=notRunning]")
        for request in sliders:
            request.continue_()
        expect(slider(opened, "Energy")).to_be_visible(timeout=WAIT)
        expect_numbers(opened, warehouse, songs.START)
        sliders.clear()
    opened.close()


def test_a_preset_sets_all_inputs(page, warehouse):
    page.get_by_role("combobox", name="Preset").click()
    page.get_by_role("option", name="Sad ballad").click()
    query = "select * from staging.song_presets where preset = 'Sad ballad'"
    with duckdb.connect(warehouse.database, read_only=True) as connection:
        found = connection.sql(query)
        row = dict(zip(found.columns, found.fetchall()[0], strict=True))
    song = {name: row[name] for name in songs.NAMES if name != "genres"}
    expect_numbers(page, warehouse, song | {"genres": row["genres_text"].split(";")})


def test_choosing_a_found_track_sets_all_inputs(page, warehouse):
    page.get_by_label("Search the tracks").fill("Follow My Hidden")
    page.get_by_label("Search the tracks").press("Enter")
    page.get_by_role("combobox", name=re.compile("the most popular first")).click(timeout=WAIT)
    page.get_by_role("option", name="Follow My Hidden Island").click()
    expect(metric(page, "xgboost")).to_have_text("69.8%", timeout=WAIT)  # as the README has it


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{energy: 1}", "This is not JSON"),
        ("[1]", "Give one object"),
        ('{"enrgy": 1}', "No input is named enrgy"),
        ('{"energy": "loud"}', 'energy must be a number, not "loud"'),
        ('{"genres": "pop"}', "genres must be a list of strings"),
    ],
)
def test_bad_json_shows_a_readable_message(text, message, page, warehouse):
    paste(page, text)
    expect(page.get_by_text(message)).to_be_visible(timeout=WAIT)
    expect_numbers(page, warehouse, songs.START)


def test_json_sets_only_the_inputs_it_has(page, warehouse):
    paste(page, '{"energy": 0.2, "genres": ["sad"], "tempo": 300}')
    expect(page.get_by_text("Tempo, BPM 300 is taken as 220.")).to_be_visible(timeout=WAIT)
    song = songs.START | {"energy": 0.2, "genres": ["sad"], "tempo": 220}
    expect_numbers(page, warehouse, song)


def test_the_audio_features_of_spotify_are_taken_as_they_are(page, warehouse):
    paste(page, json.dumps(AUDIO_FEATURES))
    expect(
        page.get_by_text("No input is named analysis_url, id, track_href, type, uri")
    ).to_be_visible(timeout=WAIT)
    known = {name: value for name, value in AUDIO_FEATURES.items() if name in songs.NAMES}
    expect_numbers(page, warehouse, songs.START | songs.on_sliders(known | {"mode": True}))


def paste(page: Page, text: str) -> None:
    page.get_by_text("Paste a song as JSON").click()
    page.get_by_label("JSON", exact=True).fill(text)
    page.get_by_role("button", name="Use it").click()


def test_the_displayed_sql_returns_the_displayed_numbers(page, warehouse):
    page.get_by_text("SQL", exact=True).first.click()
    sql = page.get_by_test_id("stCode").first.inner_text()
    with duckdb.connect(warehouse.database, read_only=True) as connection:
        found = connection.sql(sql)
        row = dict(zip(found.columns, found.fetchall()[0], strict=True))
    shown = metric(page, "random forest").inner_text()
    assert shown == f"{100 * row['hit_1']:.1f}%"


@pytest.mark.parametrize(
    ("tab", "words"),
    [
        ("Why", "What each input of this song adds"),
        ("Beside the Top 100", "Top 100"),
        ("What to change", "By the held-out evaluator"),
        ("What comes next", "What opens playlists"),
    ],
)
def test_each_panel_is_drawn(tab, words, page):
    page.get_by_role("tab", name=tab).click()
    expect(page.get_by_text(words).last).to_be_visible(timeout=WAIT)
    expect(page.get_by_test_id("stAlertContentError")).to_have_count(0)
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_a_playlist_shows_the_next_songs_of_sql(page, warehouse):
    ((name,),) = warehouse.query(
        "select track_name from staging.stg_mpd__tracks inner join features.feat_next_song_tracks "
        "using (track_uri) where regexp_full_match(track_name, '[A-Za-z ]+') "
        "order by track_number limit 1"
    )
    page.get_by_role("tab", name="What comes next").click()
    page.get_by_label("Add a track").fill(name.lower())
    page.get_by_label("Add a track").press("Enter")
    page.get_by_role("button", name=f"+ {name}").first.click(timeout=WAIT)
    added = page.get_by_role("listitem").filter(has_text=name)
    expect(added).to_be_visible(timeout=WAIT)
    page.get_by_role("tabpanel").get_by_text("SQL", exact=True).last.click()
    sql = page.get_by_test_id("stCode").last
    expect(sql).to_contain_text("select next_songs(['spotify:track:", timeout=WAIT)


@pytest.mark.parametrize("width", [390, 1366])
def test_nothing_is_cut_off_on_a_phone_or_a_laptop(width, browser, address):
    opened = opened_page(browser, address, width)
    expect(metric(opened, "xgboost")).to_be_visible(timeout=WAIT)
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    opened.close()


def test_a_missing_champion_shows_the_next_step(browser, small_copy):
    with duckdb.connect(small_copy.database) as connection:
        connection.execute("delete from ml.promotions")
    with served(small_copy.database) as url:
        opened = opened_page(browser, url)
        expect(opened.get_by_text("There is no champion yet")).to_be_visible(timeout=WAIT)
        expect(opened.get_by_test_id("stException")).to_have_count(0)
        opened.close()


def test_a_missing_database_shows_the_next_step(browser, empty):
    with served(empty.database) as url:
        opened = opened_page(browser, url)
        words = f"There is no {empty.database.name} yet: run"
        expect(opened.get_by_text(words)).to_be_visible(timeout=WAIT)
        duckdb.connect(empty.database).close()
        opened.reload()
        expect(opened.get_by_text("is not a finished warehouse")).to_be_visible(timeout=WAIT)
        opened.close()


def test_the_page_shows_a_newly_published_file(browser, small_copy):
    with served(small_copy.database) as url:
        opened = opened_page(browser, url)
        stars = opened.get_by_test_id("stMetricLabel").filter(has_text="★")
        expect(stars).to_have_count(1, timeout=WAIT)
        before = stars.inner_text()
        assert hitparade(small_copy, "promote", "hit", other(small_copy)).exit_code == 0
        slider(opened, "Energy").press("ArrowLeft")
        expect(stars).not_to_have_text(before, timeout=WAIT)
        opened.close()


def test_the_first_start_in_a_terminal_does_not_ask_for_an_email_address(warehouse, tmp_path):
    """Streamlit normally asks for one on its first start in a terminal."""
    home = {"HOME": str(tmp_path), "BROWSER": "true"}
    with terminal() as (ours, theirs), served(warehouse.database, theirs, **home) as url:
        assert urllib.request.urlopen(url, timeout=10).status == 200
        assert b"mail" not in os.read(ours, 100_000)


@contextmanager
def terminal() -> Iterator[tuple[int, int]]:
    """Yield both ends of a terminal."""
    ends = pty.openpty()
    try:
        yield ends
    finally:
        for end in ends:
            os.close(end)
