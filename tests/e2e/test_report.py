"""The report: written by the command and opened in a browser."""

from collections import Counter
from dataclasses import dataclass, field

import duckdb
import pytest
from playwright.sync_api import Page
from typer.testing import CliRunner

from hitparade import cli
from hitparade.report import MARTS, songs
from hitparade.report.parts import Note

pytestmark = pytest.mark.slow

# The expected bars, marks and cells of each figure by id, counted in the marts.
EXPECTED = """
    select 'leaderboard-' || task || '-' || metric, 0, 2 * count(*) + count(ceiling), 0
    from rpt_model_leaderboard group by task, metric
    union all
    select 'importance-' || task, countif(is_champion), countif(not is_champion), 0
    from rpt_feature_importance group by task
    union all
    select 'top-100-' || entity, count(difference_in_sd), 0, 0
    from rpt_feature_benchmarks group by entity
    union all
    select 'distribution-' || entity || '-' || feature, count(*), count(*), 0
    from rpt_feature_distributions group by entity, feature
    union all
    select 'correlation-' || entity, 0, 0, count(*) from rpt_feature_correlations group by entity
    union all
    select 'genres-' || measure || '-' || place, 12, 12, 0
    from (values ('mean_popularity'), ('hit_share')) as m (measure),
        (values ('highest'), ('lowest')) as p (place)
    union all
    select 'genre-fit-' || measure, 0, count(predicted_popularity), 0
    from rpt_genre_profile, (values ('mean_popularity'), ('hit_share')) as m (measure)
    group by measure
    union all
    select 'calibration-' || task || '-' || label, countif(is_champion), count(*), 0
    from rpt_calibration group by task, label
    union all
    select 'confusion-' || task || '-' || algorithm || '-v' || version, 0, 0, count(*)
    from rpt_tier_confusion group by task, algorithm, version
    union all
    select 'playlist-moods', 0, 2 * count(*), 0 from rpt_playlist_moods
    union all
    select 'playlist-artists', least(count(*), 20), 0, 0 from rpt_artist_frequency
    union all
    select 'recommendation-shares', count(*), 0, 0 from rpt_recommendation_quality
    where measure in ('play_share', 'offer_share') and popularity_tenth is not null
    union all
    select 'advice-songs', 2 * least(count(distinct track_id), 12),
        least(count(distinct track_id), 12), 0
    from fct_song_optimizations where change_rank > 0
    union all
    select 'advice-features', count(distinct feature), 0, 0 from fct_song_optimizations
"""
DRAWN = """
    plots => Object.fromEntries(plots.map(plot => {
        const count = where => plot.querySelectorAll(where).length;
        const box = plot.querySelector('.main-svg').getBoundingClientRect();
        const cells = [...plot.querySelectorAll('.heatmaplayer image')].flatMap(
            image => image.getBoundingClientRect().width > 50 ? plot.data[0].z.flat() : []);
        return [plot.id, {
            bars: count('.barlayer .point path'),
            marks: count('.scatterlayer .points path'),
            cells: cells.length,
            width: box.width,
            height: box.height,
        }];
    }))
"""
CUT_TEXTS = """
    plots => plots.flatMap(plot => {
        const outer = plot.getBoundingClientRect();
        return [...plot.querySelectorAll('text')].filter(text => {
            const {left, right, width} = text.getBoundingClientRect();
            return width && (left < outer.left - 2 || right > outer.right + 2);
        }).map(text => plot.id + ': ' + text.textContent);
    })
"""


@dataclass
class Opened:
    """A page, its console messages and its network requests."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def look(browser):
    """Open a file in a new window of the given width."""

    def open_file(path, width: int = 1280) -> Opened:
        opened = Opened(browser.new_page(viewport={"width": width, "height": 800}))
        opened.page.on("console", lambda message: opened.said.append(message.text))
        opened.page.on("pageerror", lambda error: opened.said.append(str(error)))
        opened.page.on("request", lambda request: opened.asked.append(request.url))
        opened.page.goto(path.as_uri())
        return opened

    return open_file


def command(database, *arguments):
    """Run `hitparade report` on a database."""
    environment = {"HITPARADE_DATABASE": str(database)}
    return CliRunner().invoke(cli.app, ["report", *map(str, arguments)], env=environment)


def report(warehouse, folder):
    """Write the report of a warehouse into a folder and return its path."""
    output = folder / "report.html"
    result = command(warehouse.database, "--output", output)
    assert result.exit_code == 0, result.output
    assert f"wrote {output}" in result.output
    return output


@pytest.fixture(scope="module")
def path(warehouse, tmp_path_factory):
    """The report of the finished warehouse."""
    return report(warehouse, tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def page(path, look):
    """The report in a window of a laptop's width."""
    return look(path).page


def test_every_figure_is_drawn_with_a_mark_for_each_row(warehouse, page):
    expected = {
        name.lower().replace("_", "-"): {"bars": bars, "marks": marks, "cells": cells}
        for name, bars, marks, cells in warehouse.query(EXPECTED)
    }
    assert {name.split("-")[0] for name in expected} == {
        *("leaderboard", "importance", "top", "distribution", "correlation"),
        *("genres", "genre", "calibration", "confusion", "playlist", "recommendation", "advice"),
    }
    drawn = page.locator(".plot").evaluate_all(DRAWN)
    for name, figure in drawn.items():
        assert figure.pop("width") > 150, name
        assert figure.pop("height") > 100, name
    assert drawn == expected


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_fits_its_window_and_loads_nothing(width, path, look):
    opened = look(path, width)
    assert opened.page.evaluate("document.documentElement.scrollWidth") == width
    assert opened.page.locator(".plot").evaluate_all(CUT_TEXTS) == []
    assert opened.said == []
    assert opened.asked == [path.as_uri()]


def test_a_chart_states_how_its_models_were_measured(page):
    text = page.locator("body").inner_text()
    assert "Dots: ndcg 10 on held-out rows" in text
    assert "Dots: mean ROC AUC over grouped folds" in text


def test_the_leaderboard_shows_the_values_of_its_mart(warehouse, page):
    rows = warehouse.query(
        """
        select
            task, algorithm, if(is_champion, 'champion', ''), verdict, metric,
            format('{:.4f} ± {:.4f}', mean, standard_error), format('{:.4f}', baseline),
            format('{:.4f} ± {:.4f}', gain, gain_standard_error),
            coalesce(format('{:.4f}', ceiling), ''),
            coalesce(format('{:.1f}%', 100 * share_of_ceiling), ''), format('{:.4f}', holdout),
            format('{:,}', train_rows), format('{:.1f}', train_seconds),
            format('{:,}', cast(round_even(onnx_bytes / 1000, 0) as bigint)),
            cast(version as varchar), model_id
        from rpt_model_leaderboard
        """
    )
    shown = page.locator("#models tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.cells].map(cell => cell.innerText))"
    )
    assert sorted(shown) == sorted(map(list, rows))
    best = page.locator("#models .best").evaluate_all("rows => rows.map(r => r.cells[0].innerText)")
    assert Counter(best) == Counter(row[0] for row in rows if row[2])


def test_a_heading_sorts_its_table(warehouse, page):

    def first(place):
        page.locator("#genre-profile th", has_text="mean energy").click()
        return page.locator("#genre-profile tbody tr").nth(place).locator("td").first.inner_text()

    genres = warehouse.query("select genre from rpt_genre_profile order by mean_energy desc")
    assert first(0) == genres[0][0]
    assert first(0) == genres[-1][0]


def test_a_sample_is_called_a_sample(page):
    assert (
        "Generated sample: chart_songs, playlists and tracks"
        in page.locator(".warning").inner_text()
    )
    assert "12,000" in page.locator("#files").inner_text()


def test_the_table_of_contents_links_every_section(page):
    links = page.locator("nav a").evaluate_all("links => links.map(a => a.hash.slice(1))")
    sections = page.locator("section").evaluate_all("sections => sections.map(s => s.id)")
    assert links == sections
    assert len(sections) == 12


def test_text_from_the_data_is_escaped(copy, look, tmp_path):
    genre = "<img src=x onerror=alert(1)><b>&amp;1980</script>"
    with duckdb.connect(copy.database) as connection:
        best = "select max(mean_popularity) from rpt_genre_profile"
        change = f"update rpt_genre_profile set genre = ? where mean_popularity = ({best})"
        connection.execute(change, [genre])
        connection.execute("update staging.quarantine set reason = ?", [genre])
    opened = look(report(copy, tmp_path))
    assert genre in opened.page.locator("#genre-profile").inner_text()
    assert genre in opened.page.locator("#quarantine").inner_text()
    assert genre in opened.page.locator("#genres-mean-popularity-highest").text_content()
    assert opened.said == []
    assert len(opened.asked) == 1


def test_a_task_without_a_champion_is_explained_in_a_sentence(copy, look, tmp_path):
    with duckdb.connect(copy.database) as connection:
        for table in ("model_leaderboard", "feature_importance", "calibration"):
            connection.execute(f"update rpt_{table} set is_champion = false where task = 'hit'")
    opened = look(report(copy, tmp_path))
    assert opened.page.locator("#importance-hit").count() == 0
    text = opened.page.locator("#importance").inner_text()
    assert "Hit: none of the newest models is the champion, so there is no chart." in text
    assert opened.page.locator("#importance-tier").count() == 1
    assert opened.said == []


def test_songs_that_the_model_underrates_are_not_shown_as_examples(copy):
    with duckdb.connect(copy.database) as connection:
        connection.execute("update dim_tracks set popularity = 100")
        first, *others = songs.advice(connection).blocks
    assert first == Note(songs.UNDERRATED)
    # The changes of such songs are still counted.
    assert [panel.id for chart in others for panel in chart.panels] == ["advice-features"]


def test_empty_marts_are_explained_in_sentences(copy, look, tmp_path):
    with duckdb.connect(copy.database) as connection:
        for mart in MARTS:
            connection.execute(f"delete from {mart}")
        connection.execute("delete from staging.quarantine")
        connection.execute(
            "update rpt_sources set status = 'absent', file = null, encoding = null, "
            "delimiter = null, row_count = 0 where source <> 'playlists'"
        )
    opened = look(report(copy, tmp_path))
    assert opened.page.locator(".plot").count() == 0
    text = opened.page.locator("main").inner_text()
    for sentence in (
        "Absent: chart_songs and tracks.",
        "Nothing is in quarantine.",
        "No model is trained yet: there were no rows to train on.",
        "No model is trained yet, so there is no importance.",
        "No tracks: the source tracks has no rows.",
        "No songs: the source chart_songs has no rows.",
        "No genres: the source tracks has no rows.",
        "No classifier is trained yet",
        "No model of tiers is trained yet",
    ):
        assert sentence in text
    assert opened.said == []


def test_the_same_warehouse_gives_the_same_page(warehouse, path, tmp_path):
    assert report(warehouse, tmp_path).read_bytes() == path.read_bytes()


def test_a_missing_warehouse_is_reported_with_the_next_step(tmp_path):
    result = command(tmp_path / "none.duckdb")
    assert result.exit_code == 1
    assert "run `hitparade build`" in result.output


def test_a_warehouse_without_marts_is_reported_with_the_next_step(tmp_path):
    duckdb.connect(tmp_path / "old.duckdb").close()
    result = command(tmp_path / "old.duckdb", "--output", tmp_path / "report.html")
    assert result.exit_code == 1
    assert "has no fct_song_optimizations, rpt_artist_frequency" in result.output
    assert "run `dbt build`" in result.output
    assert not (tmp_path / "report.html").exists()


def test_a_missing_folder_is_named(warehouse, tmp_path):
    result = command(warehouse.database, "--output", tmp_path / "none" / "report.html")
    assert result.exit_code == 1
    assert "is not a folder" in result.output
