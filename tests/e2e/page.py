"""The what-if page as people use it: the command, a server, a browser.

    python -m tests.e2e.page FILE [FOLDER]

prints the milliseconds from a slider move to the new number and to the whole page, and writes
screenshots of a laptop and a phone into a folder.
"""

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, sync_playwright

MOVES = 20


@contextmanager
def served(database: Path, terminal: int | None = None, **environment: str) -> Iterator[str]:
    """Run `hitparade app` on a database and return its address.

    With `terminal`, the program's end of a terminal, it also opens a browser.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = Path(sys.executable).with_name("hitparade")
    end = subprocess.DEVNULL if terminal is None else terminal
    with subprocess.Popen(
        [command, "app", "--port", str(port), *(["--headless"] if terminal is None else [])],
        env=os.environ | {"HITPARADE_DATABASE": str(database)} | environment,
        stdin=end,
        stdout=end,
        stderr=end,
        start_new_session=True,
    ) as process:
        try:
            _wait(f"http://127.0.0.1:{port}/_stcore/health", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, 15)


def _wait(url: str, process: subprocess.Popen, seconds: int = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(url, timeout=1).read()
            return
        except OSError:
            assert process.poll() is None, "the page ended"
            time.sleep(0.2)
    raise TimeoutError(url)


def metric(page: Page, label: str) -> Locator:
    """The number of a card."""
    card = page.get_by_test_id("stMetric").filter(has_text=label).first
    return card.get_by_test_id("stMetricValue")


def slider(page: Page, label: str) -> Locator:
    """The handle of a slider."""
    return page.get_by_role("slider", name=label)


def photograph(browser: Browser, url: str, folder: Path) -> None:
    """Write screenshots in two widths."""
    for name, width, height in (("page_laptop", 1366, 1000), ("page_phone", 390, 844)):
        page = browser.new_page(viewport={"width": width, "height": height})
        page.goto(url)
        metric(page, "By the held-out evaluator").wait_for(state="attached", timeout=60_000)
        page.wait_for_timeout(3_000)
        page.screenshot(path=folder / f"{name}.png")
        page.close()


def main(database: Path, folder: Path | None = None) -> None:
    """Print the response times of a page on a database."""
    with served(database) as url, sync_playwright() as playwright:
        chromium = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(url)
        number = metric(page, "xgboost")
        number.wait_for(timeout=60_000)
        handle = slider(page, "Energy")
        taken, wholes = [], []
        for _ in range(MOVES):
            page.wait_for_timeout(1_000)
            before = number.inner_text()
            began = time.perf_counter()
            handle.press("ArrowLeft")
            while number.inner_text() == before and time.perf_counter() - began < 5:
                page.wait_for_timeout(5)
            taken.append(1_000 * (time.perf_counter() - began))
            page.wait_for_selector("[data-test-script-state=notRunning]")
            wholes.append(1_000 * (time.perf_counter() - began))
        page.close()
        if folder:
            photograph(browser, url, folder)
        browser.close()
    found = {"number": taken, "page": wholes}
    print(json.dumps({name: round(statistics.median(times)) for name, times in found.items()}))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
