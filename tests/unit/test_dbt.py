"""How dbt is run and what is printed of its output, with a fake dbt."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from hitparade.pipeline import dbt, progress
from tests.warehouse import ROOT

STOPPED = """
import signal
import sys
from pathlib import Path
from hitparade.pipeline import dbt
# A shell that starts the tests in the background has them ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
dbt.program = lambda: Path(sys.argv[1])
dbt.GRACE = 1
dbt.run("build")
"""


def event(name: str, message: str, level: str = "info", **data: str) -> str:
    return json.dumps({"info": {"name": name, "msg": message, "level": level}, "data": data})


@pytest.mark.parametrize(
    ("line", "is_printed"),
    [
        (event("LogModelResult", "1 of 9 OK created sql table model main.dim_tracks"), True),
        (event("LogSeedResult", "2 of 9 OK loaded seed file staging.genres"), True),
        (event("AdapterEventInfo", "hit, xgboost: roc_auc 0.7107"), True),
        (event("LogTestResult", "3 of 9 PASS unique_tracks_track_id"), False),
        (event("LogTestResult", "3 of 9 WARN 4 unique_tracks_track_id", "warn"), True),
        (event("LogTestResult", "3 of 9 FAIL 4 unique_tracks_track_id", "error"), True),
        (event("LogFunctionResult", "4 of 9 OK created function main.predict_hit"), False),
        (event("LogFunctionResult", "4 of 9 ERROR function main.predict_hit", "error"), True),
        (event("LogStartLine", "5 of 9 START sql table model main.dim_tracks"), False),
        (event("SkippingDetails", "6 of 9 SKIP test unique", resource_type="test"), False),
        (event("SkippingDetails", "6 of 9 SKIP relation x", resource_type="model"), True),
        (event("MainEncounteredError", "Encountered an error:\nno such file", "error"), True),
        (event("StatsLine", "Done. PASS=9 WARN=0"), True),
        (event("Formatting", ""), False),
        ("Usage: dbt build [OPTIONS]", True),
        ("7", True),
    ],
)
def test_models_and_problems_are_printed_one_per_line(line, is_printed, capsys):
    message = json.loads(line)["info"]["msg"] if line.startswith("{") else line
    progress.show([f"{line}\n"])
    said = capsys.readouterr().out
    assert said.endswith(f"{message}\n") if is_printed else said == ""


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Replace dbt by a shell script."""

    def write(script: str):
        path = tmp_path / "dbt"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setattr(dbt, "program", lambda: path)
        return path

    return write


@pytest.mark.parametrize("code", [0, 1, 2])
def test_success_is_the_exit_code(fake, code):
    fake(f"exit {code}")
    assert dbt.run("build") == (code == 0)


def test_output_before_the_first_result_is_printed(fake, capfd):
    fake("echo said; echo 'no such option' >&2; exit 2")
    assert not dbt.run("build", "--nonsense")
    assert capfd.readouterr() == ("said\n", "no such option\n")


def test_dbt_runs_in_the_root_with_paths_of_the_caller(fake, capfd, monkeypatch):
    fake('pwd; echo "$HITPARADE_DATABASE $HITPARADE_SAMPLE $DBT_LOG_PATH $DBT_ENGINE_PROJECT_DIR"')
    monkeypatch.chdir(ROOT / "docs")
    for name, value in (("DATABASE", "songs.duckdb"), ("SAMPLE", "0")):
        monkeypatch.setenv(f"HITPARADE_{name}", value)
    monkeypatch.setenv("DBT_LOG_PATH", "logs")
    monkeypatch.setenv("DBT_PROJECT_DIR", "..")
    dbt.run("build")
    docs = ROOT / "docs"
    assert capfd.readouterr().out == f"{ROOT}\n{docs}/songs.duckdb 0 {docs}/logs {ROOT}\n"


@pytest.mark.parametrize(
    "trap", ["trap 'echo canceled; exit 1' INT", "trap '' INT"], ids=["ends", "does not end"]
)
def test_ctrl_c_stops_dbt_and_then_the_command(fake, trap):
    path = fake(f"{trap}\necho $$\nwhile true; do sleep 0.1; done")
    with subprocess.Popen(
        [sys.executable, "-c", STOPPED, path],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as command:
        pid = int(command.stdout.readline())
        time.sleep(0.2)
        os.killpg(command.pid, signal.SIGINT)
        out, err = command.communicate(timeout=30)
    assert "KeyboardInterrupt" in err
    assert ("canceled" in out) == ("canceled" in trap)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
