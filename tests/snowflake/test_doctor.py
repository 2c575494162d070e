"""`hitparade doctor` on both targets, and what loading says of bad slices."""

import json

import duckdb
import pytest
from typer.testing import CliRunner

from hitparade import cli
from hitparade.pipeline import doctor
from hitparade.sources import snowflake
from tests.warehouse import Warehouse


def found(checks) -> dict[str, tuple[str, str]]:
    return {check.name: (check.found, check.step) for check in checks}


@pytest.fixture
def environment(emulator, sources, tmp_path, monkeypatch) -> dict[str, str]:
    """What leads dbt to the emulated account."""
    key = tmp_path / "key.p8"
    key.write_text("emulated")
    for name, value in sources.items():
        monkeypatch.setenv(name, value)
    return emulator.environment | {
        "SNOWFLAKE_ACCOUNT": "emulated",
        "SNOWFLAKE_USER": "any",
        "SNOWFLAKE_PRIVATE_KEY_PATH": str(key),
    }


@pytest.mark.slow
def test_of_an_account_that_is_loaded_all_is_well(loaded, environment):
    checks = found(doctor.snowflake_checks(environment))
    assert {name: step for name, (_, step) in checks.items() if step} == {}
    assert {*checks["stages"][0].split(", ")} == {"ml.code", "ml.models", "raw.files"}
    assert checks["code"] == ("hitparade.zip as it is here", "")
    assert "onnxruntime" in checks["packages there"][0]


@pytest.mark.slow
def test_of_an_account_without_anything_it_says_what_to_do(emulator, environment):
    checks = found(doctor.snowflake_checks(environment | {"EMULATED_DATABASE": "nothing"}))
    assert checks["stages"][1] == "lacks raw.files, ml.code, ml.models: run `hitparade load`"


@pytest.mark.slow
def test_another_code_on_the_stage_is_seen(loaded, environment, monkeypatch):
    monkeypatch.setattr(snowflake, "fingerprint", lambda code: "0" * 16)
    checks = found(doctor.snowflake_checks(environment))
    assert checks["code"][1] == "run `hitparade load`"


@pytest.mark.slow
def test_a_package_that_the_account_lacks_is_named(loaded, environment):
    arguments = json.dumps({"code": ""})
    wanted = json.dumps({"snowflake_function_packages": ["numpy", "no-such-package"]})
    result = loaded.dbt("--quiet", "run-operation", "doctor", "--args", arguments, "--vars", wanted)
    (check,) = (
        json.loads(line) for line in result.stdout.splitlines() if '"packages there"' in line
    )
    assert check["step"].startswith("lacks no-such-package:")


def test_without_variables_it_names_them(monkeypatch):
    for name in doctor.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    result = CliRunner().invoke(cli.app, ["doctor", "--target", "snowflake"])
    assert result.exit_code == 1
    assert "lacks SNOWFLAKE_ACCOUNT, SNOWFLAKE_USER, SNOWFLAKE_PRIVATE_KEY_PATH" in result.stdout


def test_of_a_finished_file_all_is_well(local, sample_of_all, monkeypatch):
    monkeypatch.setenv("HITPARADE_DATABASE", str(local.database))
    monkeypatch.setenv("HITPARADE_SAMPLE", str(sample_of_all))
    result = CliRunner().invoke(cli.app, ["doctor"])
    assert result.exit_code == 0, result.stdout
    assert "chart_songs: sample: 953 rows" in result.stdout.replace("\n", " ")
    assert "23 models" in result.stdout


def test_before_the_first_build_nothing_is_wrong(monkeypatch, tmp_path):
    """A build writes the sample and the file."""
    monkeypatch.setenv("HITPARADE_DATABASE", str(tmp_path / "new.duckdb"))
    monkeypatch.setenv("HITPARADE_SAMPLE", str(tmp_path / "sample"))
    monkeypatch.setenv("HITPARADE_RAW", str(tmp_path))
    result = CliRunner().invoke(cli.app, ["doctor"])
    assert result.exit_code == 0, result.stdout
    assert result.stdout.count("absent: a build writes a sample") == 3


def test_a_raw_file_that_cannot_be_read_is_said(monkeypatch, tmp_path):
    monkeypatch.setenv("HITPARADE_DATABASE", str(tmp_path / "new.duckdb"))
    monkeypatch.setenv("HITPARADE_SAMPLE", "0")
    monkeypatch.setenv("HITPARADE_RAW", str(tmp_path))
    (tmp_path / "dataset.csv").write_text("no,such,columns\n")
    result = CliRunner().invoke(cli.app, ["doctor"])
    assert result.exit_code == 1
    assert "lacks the columns track_id" in result.stdout
    assert "absent: it stays empty" in result.stdout


def test_a_file_that_is_no_database_is_said(monkeypatch, tmp_path):
    monkeypatch.setenv("HITPARADE_DATABASE", str(tmp_path / "broken.duckdb"))
    (tmp_path / "broken.duckdb").write_text("no database")
    result = CliRunner().invoke(cli.app, ["doctor"])
    assert result.exit_code == 1
    assert "cannot be used" in result.stdout


BAD = {
    "mpd.slice.0-999.json": b"\xff\xfe",
    "mpd.slice.1000-1999.json": b"  ",
    "mpd.slice.1500-1999.json": b"  \n",
    "mpd.slice.2000-2999.json": b'{"playlists": [{"pid": 1',
    "mpd.slice.3000-3999.json": b'{"info": {}}',
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BAD)
def test_a_bad_slice_breaks_the_same_rule_in_both_targets(name, tmp_path):
    built = Warehouse(tmp_path)
    built.raw.mkdir()
    (built.raw / name).write_bytes(BAD[name])
    built.dbt("build", "--select", "+base_mpd__slices", "--exclude-resource-type", "unit_test")
    with duckdb.connect(built.database) as connection:
        ((rule, reason),) = connection.execute(
            "select rule, reason from staging.base_mpd__slices"
        ).fetchall()
    (found,) = snowflake.playlists(built.raw / name)
    assert (found["slice_rule"], found["slice_reason"]) == (rule, reason)
