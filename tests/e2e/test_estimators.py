"""Models of other tools: those that are accepted answer rightly, and refusals have a reason."""

from pathlib import Path

import pytest
import yaml

from benchmarks.estimators import page
from benchmarks.estimators.run import run

pytestmark = pytest.mark.slow

# The cases that are not accepted and right, by reason. None should be in its lists `wrong` and
# `other_labels`: those that are in them are known mistakes.
KNOWN = yaml.safe_load(Path(__file__).with_name("estimators.yml").read_text())


@pytest.fixture(scope="module")
def rows(small_warehouse) -> list[dict]:
    """What happens to each case."""
    return run(small_warehouse.database)


def test_accepted_models_give_the_answers_of_their_source(rows):
    wrong = [row for row in rows if row["outcome"] == "failed" or page.wrong_rows(row)]
    check(map(name, wrong), listed("wrong"))


def test_accepted_models_give_the_labels_of_their_source(rows):
    other = [row for row in rows if row["other_labels"]]
    check(map(name, other), listed("other_labels"))


def test_every_refusal_has_its_reason(rows):
    refused = [row for row in rows if row["outcome"] == "refused"]
    found = [f"{row['reason']}: {name(row)}" for row in refused]
    known = [f"{why}: {case}" for why, cases in KNOWN["refused"].items() for case in cases]
    check(found, known)


def test_the_page_shows_what_was_measured(rows):
    shown, found = (page.without_digits(text) for text in (page.PAGE.read_text(), page.text(rows)))
    assert shown == found, "run `python -m benchmarks estimators --page`"


def name(row: dict) -> str:
    return f"{row['family']}: {row['case']}"


def listed(kind: str) -> list[str]:
    return [case for cases in KNOWN[kind].values() for case in cases]


def check(found, known):
    """Fail for a case that is missing in a list of estimators.yml, or is in it without need."""
    found, known = set(found), set(known)
    changes = [f"new: {case}" for case in sorted(found - known)]
    changes += [f"not any more: {case}" for case in sorted(known - found)]
    assert not changes, "\n".join(changes)
