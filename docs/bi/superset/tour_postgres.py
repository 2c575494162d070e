"""A tour of Superset on `hitparade serve`, by its PostgreSQL driver and in Chromium.

    python tour_postgres.py http://127.0.0.1:8088 postgresql+psycopg2://... ../images

connects the server, lists its schemas, tables and columns, asks SQL Lab for next songs, makes a
dataset over a mart and one over a function with a chart each, and opens the imported dashboard.
Every chart of it must return rows. Run by tour.sh.
"""

import re
import sys
import urllib.parse
from pathlib import Path

from client import WAIT, Superset, picture, prepare, see_chart, signed_in
from playwright.sync_api import Page, Response

SQL = """select * from (
    select unnest(next_songs(['spotify:track:none'], 10)) as song
) as songs"""
CHARTS = 7


def connect(superset: Superset, address: str) -> int:
    """Connect the server, and look through it; return the id of the database."""
    database = {"database_name": "over PostgreSQL", "sqlalchemy_uri": address}
    superset.post("database/test_connection/", database)
    id = superset.post("database/", database | {"expose_in_sqllab": True})["id"]
    schemas = superset.get(f"database/{id}/schemas/")["result"]
    found = superset.get(f"database/{id}/tables/?q=(schema_name:main)")["result"]
    kinds = [table["type"] for table in found]
    columns = superset.get(f"database/{id}/table_metadata/?name=dim_tracks&schema=main")["columns"]
    print(f"schemas: {', '.join(schemas)}")
    print(f"tables: {kinds.count('table')}, views: {kinds.count('view')}")
    print("dim_tracks:", ", ".join(f"{each['name']} {each['type']}" for each in columns))
    return id


def ask_sql_lab(page: Page, url: str, database: int, output: Path) -> None:
    """Run the query in SQL Lab, and wait for its rows."""
    sql = urllib.parse.quote(SQL)
    page.goto(f"{url}/sqllab/?dbid={database}&sql={sql}&autorun=true&name=next_songs")
    page.get_by_text(re.compile("^10 rows$")).first.wait_for(timeout=WAIT)
    page.get_by_text("spotify:track:").last.wait_for(timeout=WAIT)
    picture(page, output / "superset_postgres_sql_lab.png")


def see_dashboard(page: Page, url: str, output: Path) -> None:
    """Open the dashboard, and check that each chart has rows."""
    rows: dict[str, int] = {}
    failures: list[str] = []

    def note(answer: Response) -> None:
        if "/api/v1/chart/data" not in answer.url:
            return
        if not answer.ok:
            failures.append(answer.text())
            return
        form = re.search(r"slice_id%22%3A(\d+)", answer.url)
        for result in answer.json()["result"]:
            if form:
                rows[form[1]] = result["rowcount"]
            if result["error"] or not result["rowcount"]:
                failures.append(f"{answer.url}: {result['error']}, {result['query']}")

    page.on("response", note)
    page.set_viewport_size({"width": 1200, "height": 1580})
    page.goto(f"{url}/superset/dashboard/hitparade/")
    for _ in range(WAIT // 500):
        page.wait_for_timeout(500)
        if len(rows) == CHARTS or failures:
            break
    page.wait_for_timeout(3_000)
    picture(page, output / "superset_dashboard.png")
    assert not failures, failures
    assert len(rows) == CHARTS, rows
    print(f"dashboard: {len(rows)} charts, {sum(rows.values())} rows")


def main(url: str, address: str, output: Path) -> None:
    """Take the tour."""
    output.mkdir(parents=True, exist_ok=True)
    superset = Superset(url)
    database = connect(superset, address)
    mart = ("rpt_feature_importance", "feature", "importance")
    charts = prepare(superset, database, mart, "hit_by_tempo_of_the_server")
    files = (None, "superset_postgres_function.png")  # that of the mart is as in tour.py
    with signed_in(url) as page:
        ask_sql_lab(page, url, database, output)
        for (name, chart), file_name in zip(charts.items(), files, strict=True):
            see_chart(page, url, chart, file_name and output / file_name)
            print(f"seen: {name}")
        see_dashboard(page, url, output)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
