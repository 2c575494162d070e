"""A tour of Superset on a published file, by its API and in Chromium.

    python tour.py http://127.0.0.1:8088 hitparade.duckdb ../images

logs in as admin, connects the file, asks SQL Lab for predictions, makes a dataset over a mart and
one over a function with a chart each, and writes what a person sees as PNG. Run by tour.sh.
"""

import json
import re
import sys
import urllib.parse
from pathlib import Path

from client import WAIT, Superset, picture, prepare, see_chart, signed_in
from playwright.sync_api import Page

SQL = """select track_name, popularity, round(predict_hit(t), 3) as hit, predict_tier(t) as tier
from dim_tracks as t
order by popularity desc, track_id"""


def connect(superset: Superset, file: Path) -> int:
    """Connect the file; return the id of the database."""
    read_only = {"engine_params": {"connect_args": {"read_only": True}}}
    database = {
        "database_name": "hitparade",
        "sqlalchemy_uri": f"duckdb:///{file}",
        "extra": json.dumps(read_only),
        "expose_in_sqllab": True,
    }
    return superset.post("database/", database)["id"]


def ask_sql_lab(page: Page, url: str, database: int, output: Path) -> None:
    """Run the query in SQL Lab, and wait for its first row."""
    sql = urllib.parse.quote(SQL)
    page.goto(f"{url}/sqllab/?dbid={database}&sql={sql}&autorun=true&name=predictions")
    # SQL Lab replaces the limit of the query with its own.
    page.get_by_text(re.compile(r"^\d+k? rows$")).first.wait_for(timeout=WAIT)
    page.get_by_text("Viral", exact=True).first.wait_for(timeout=WAIT)
    picture(page, output / "superset_sql_lab.png")


def main(url: str, file: Path, output: Path) -> None:
    """Take the tour."""
    output.mkdir(parents=True, exist_ok=True)
    superset = Superset(url)
    database = connect(superset, file)
    mart = ("rpt_genre_profile", "genre", "mean_popularity")
    charts = prepare(superset, database, mart, "hit_by_tempo")
    files = ("superset_mart.png", "superset_function.png")
    with signed_in(url) as page:
        ask_sql_lab(page, url, database, output)
        for (name, chart), file_name in zip(charts.items(), files, strict=True):
            see_chart(page, url, chart, output / file_name)
            print(f"seen: {name}")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]).resolve(), Path(sys.argv[3]))
