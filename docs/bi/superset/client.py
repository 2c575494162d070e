"""Superset's API and pages, as the tours use them."""

import json
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

WAIT = 60_000
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


def prepare(
    superset: Superset, database: int, mart: tuple[str, str, str], function: str
) -> dict[str, int]:
    """Make a dataset over a mart and one over a function, with a chart each; return the charts.

    Args:
        superset: where to make them.
        database: its id.
        mart: the table, a dimension and a measure.
        function: the name of the other dataset. Superset on SQLite has each name once.
    """
    table, dimension, measure = mart
    home = {"database": database, "schema": "main"}
    datasets = {
        f"{measure} by {dimension}": (home | {"table_name": table}, dimension, measure),
        "Chance of a hit by tempo": (
            home | {"table_name": function, "sql": FUNCTION},
            "tempo",
            "hit",
        ),
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


@contextmanager
def signed_in(url: str) -> Iterator[Page]:
    """A page of Chromium, signed in as admin."""
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
        yield page
        browser.close()


def see_chart(page: Page, url: str, chart: int, path: Path | None) -> None:
    """Open a chart, and check that it is drawn without an error; a path gets the picture."""
    page.goto(f"{url}/explore/?slice_id={chart}")
    page.locator("#chart-id-" + str(chart) + " canvas, .slice_container canvas").first.wait_for(
        timeout=WAIT
    )
    page.wait_for_timeout(2_000)
    assert not page.get_by_text("Error", exact=False).count(), "the chart shows an error"
    if path:
        picture(page, path)


def picture(page: Page, path: Path) -> None:
    """Write what the page shows as a small PNG, in 64 colors."""
    image = Image.open(BytesIO(page.screenshot())).convert("RGB")
    image.quantize(64, dither=Image.Dither.NONE).save(path, optimize=True)
