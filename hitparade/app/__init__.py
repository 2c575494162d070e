"""The what-if page, and how it is run."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

PAGE = Path(__file__).with_name("page.py")


class AppError(RuntimeError):
    """The page cannot be run; the message says what to do."""


def run(address: str, port: int, is_headless: bool) -> None:
    """Become the page's server, so that what stops this program stops it.

    Raises:
        AppError: streamlit is not installed.
    """
    if find_spec("streamlit") is None:
        raise AppError(
            "to show the page, install what does so: pip install -c constraints.txt -e '.[app]'"
        )
    options = {
        "server.address": address,
        "server.port": port,
        "server.headless": is_headless,
        "server.showEmailPrompt": False,  # it would wait for an answer, and no page be there
        "browser.gatherUsageStats": False,
        "client.toolbarMode": "minimal",
    }
    given = [f"--{name}={str(value).lower()}" for name, value in options.items()]
    os.execv(sys.executable, [sys.executable, "-m", "streamlit", "run", str(PAGE), *given])
