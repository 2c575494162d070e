"""A tour of Superset on a published file, by its API and in Chromium.

    python tour.py http://127.0.0.1:8088 hitparade.duckdb ../images

logs in as admin, connects the file, asks SQL Lab for predictions, makes a dataset over a mart and
one over a function with a chart each, and writes what a person sees as PNG. Run by tour.sh.
"""

import json
import re
import shutil
import sys
import urllib.error
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

WAIT = 60_000
SQL = """select track_name, popularity, round(predict_hit(t), 3) as hit, predict_tier(t) as tier
from dim_tracks as t
order by popularity desc, track_id"""
FUNCTION = """select
    round(tempo / 20) * 20 as tempo,
    predict_hit(danceability, energy, valence, tempo) as hit
from (select * from dim_tracks where is_pair_representative order by track_id limit 500) as t"""


class Superset:
    """The API of a server, as its administrator."""

    def __init__(self, url: str):
        """Log in."""
        self.url = url
        cookies = urllib.request.HTTPCookieProcessor(CookieJar())
        self._open = urllib.request.build_opener(cookies).open
        account = {"username": "admin", "password": "admin", "provider": "db", "refresh": True}
        self._headers = {"Content-Type": "application/json"}
        token = self.post("security/login", account)["access_token"]
        self._headers["Authorization"] = f"Bearer {token}"
        self._headers["X-CSRFToken"] = self.get("security/csrf_token/")["result"]
        self._headers["Referer"] = url

    def get(self, path: str) -> dict:
        """Return the response of the API."""
        request = urllib.request.Request(f"{self.url}/api/v1/{path}", headers=self._headers)
        with self._open(request) as answer:
            return json.load(answer)

    def post(self, path: str, body: dict) -> dict:
        """Return the response of the API; exit with its message if it is an error."""
        data = json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/api/v1/{path}", data, self._headers)
        try:
            with self._open(request) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{path}: {error.code} {error.read().decode()}") from error


def prepare(superset: Superset, file: Path) -> dict[str, int]:
    """Connect the file and make both charts; return their ids by name."""
    read_only = {"engine_params": {"connect_args": {"read_only": True}}}
    database = superset.post(
        "database/",
        {
            "database_name": "hitparade",
            "sqlalchemy_uri": f"duckdb:///{file}",
            "extra": json.dumps(read_only),
            "expose_in_sqllab": True,
        },
    )["id"]
    mart = {"database": database, "schema": "main", "table_name": "rpt_genre_profile"}
    function = {"database": database, "schema": "main", "table_name": "hit_by_tempo"}
    datasets = {
        "Genres by popularity": (mart, "genre", "mean_popularity"),
        "Chance of a hit by tempo": (function | {"sql": FUNCTION}, "tempo", "hit"),
    }
    charts = {}
    for name, (dataset, dimension, measure) in datasets.items():
        id = superset.post("dataset/", dataset)["id"]
        metric = {
            "expressionType": "SQL",
            "sqlExpression": f"avg({measure})",
            "label": f"mean {measure}",
        }
        params = {
            "viz_type": "echarts_timeseries_bar",
            "x_axis": dimension,
            "metrics": [metric],
            "row_limit": 20,
            "x_axis_sort_asc": measure == "hit",
            "adhoc_filters": [],
        }
        chart = {
            "slice_name": name,
            "viz_type": "echarts_timeseries_bar",
            "datasource_id": id,
            "datasource_type": "table",
            "params": json.dumps(params | {"datasource": f"{id}__table"}),
        }
        charts[name] = superset.post("chart/", chart)["id"]
    return charts


def ask_sql_lab(page: Page, url: str, output: Path) -> None:
    """Run the query in SQL Lab, and wait for its first row."""
    page.goto(f"{url}/sqllab/?dbid=1&sql={urllib.request.quote(SQL)}&autorun=true&name=predictions")
    # SQL Lab replaces the limit of the query with its own.
    page.get_by_text(re.compile(r"^\d+k? rows$")).first.wait_for(timeout=WAIT)
    page.get_by_text("Viral", exact=True).first.wait_for(timeout=WAIT)
    page.screenshot(path=output / "superset_sql_lab.png")


def see_chart(page: Page, url: str, chart: int, path: Path) -> None:
    """Open a chart, and check that it is drawn without an error."""
    page.goto(f"{url}/explore/?slice_id={chart}")
    page.locator("#chart-id-" + str(chart) + " canvas, .slice_container canvas").first.wait_for(
        timeout=WAIT
    )
    page.wait_for_timeout(2_000)
    assert not page.get_by_text("Error", exact=False).count(), "the chart shows an error"
    page.screenshot(path=path)


def main(url: str, file: Path, output: Path) -> None:
    """Take the tour."""
    output.mkdir(parents=True, exist_ok=True)
    charts = prepare(Superset(url), file)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1366, "height": 850})
        page.goto(f"{url}/login/")
        page.get_by_label("Username").fill("admin")
        page.get_by_label("Password").fill("admin")
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/welcome/", timeout=WAIT)
        ask_sql_lab(page, url, output)
        for (name, chart), file_name in zip(
            charts.items(), ("superset_mart.png", "superset_function.png"), strict=True
        ):
            see_chart(page, url, chart, output / file_name)
            print(f"seen: {name}")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]).resolve(), Path(sys.argv[3]))
