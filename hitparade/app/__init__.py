"""The what-if page, and the function that runs it."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

PAGE = Path(__file__).with_name("page.py")


class AppError(RuntimeError):
    """The page cannot be run; the message says why and what to do."""


def run(address: str, port: int, is_headless: bool) -> None:
    """Replace this process with the page's server, so that Ctrl-C stops the server.

    Raises:
        AppError: streamlit is not installed.
    """
    if find_spec("streamlit") is None:
        raise AppError("the page needs streamlit: pip install -c constraints.txt -e '.[app]'")
    options = {
        "server.address": address,
        "server.port": port,
        "server.headless": is_headless,
        "server.showEmailPrompt": False,  # the server would wait for an answer before it starts
        "browser.gatherUsageStats": False,
        "client.toolbarMode": "minimal",
    }
    given = [f"--{name}={str(value).lower()}" for name, value in options.items()]
    os.execv(sys.executable, [sys.executable, "-m", "streamlit", "run", str(PAGE), *given])
