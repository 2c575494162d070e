"""Print the progress of dbt: one line for each model, and all problems; dbt's log has the rest."""

import json
from collections.abc import Iterable
from datetime import datetime

# Successful tests and the like are not printed: there are hundreds, and nobody waits for them.
MANY = {
    "Formatting",
    "LogFunctionResult",
    "LogHookEndLine",
    "LogHookStartLine",
    "LogNodeNoOpResult",
    "LogStartLine",
    "LogTestResult",
}


def show(lines: Iterable[str]) -> None:
    """Print the messages for people among dbt's JSON lines, as they arrive."""
    for line in lines:
        if text := _text(line):
            print(text, flush=True)


def _text(line: str) -> str | None:
    """Return what to print of a line, or None; a line that is not JSON is printed unchanged."""
    try:
        event = json.loads(line)
        name, level, message = (event["info"][key] for key in ("name", "level", "msg"))
    except (ValueError, KeyError, TypeError):
        return line.rstrip()
    is_well = level == "info" and (name in MANY or _is_skipped_test(name, event["data"]))
    return None if is_well or not message.strip() else f"{datetime.now():%H:%M:%S}  {message}"


def _is_skipped_test(name: str, data: dict) -> bool:
    return name == "SkippingDetails" and data["resource_type"] != "model"
