"""What a person sees of a run of dbt: a line a model, and what is wrong; dbt's log has the rest."""

import json
from collections.abc import Iterable
from datetime import datetime

# What goes well there are hundreds of, and nobody waits for them.
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
    """Print of dbt's lines in JSON, as they come, those that are for people."""
    for line in lines:
        if text := _text(line):
            print(text, flush=True)


def _text(line: str) -> str | None:
    """What to print of a line, if anything; what dbt says in no JSON is printed as it is."""
    try:
        event = json.loads(line)
        name, level, message = (event["info"][key] for key in ("name", "level", "msg"))
    except (ValueError, KeyError, TypeError):
        return line.rstrip()
    is_well = level == "info" and (name in MANY or _is_skipped_test(name, event["data"]))
    return None if is_well or not message.strip() else f"{datetime.now():%H:%M:%S}  {message}"


def _is_skipped_test(name: str, data: dict) -> bool:
    return name == "SkippingDetails" and data["resource_type"] != "model"
