"""`hitparade doctor` on Snowflake, and the rules that bad slices break on both targets."""

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
    """The variables that point dbt to the emulated account."""
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
def test_a_loaded_account_passes_every_check(loaded, environment):
    checks = found(doctor.snowflake_checks(environment))
    assert {name: step for name, (_, step) in checks.items() if step} == {}
    assert {*checks["stages"][0].split(", ")} == {"ml.code", "ml.models", "raw.files"}
    assert checks["code"] == ("hitparade.zip of this project", "")
    assert "onnxruntime" in checks["packages"][0]


@pytest.mark.slow
def test_an_empty_account_is_reported_with_the_next_step(emulator, environment):
    checks = found(doctor.snowflake_checks(environment | {"EMULATED_DATABASE": "nothing"}))
    assert checks["stages"][1] == "lacks raw.files, ml.code, ml.models: run `hitparade load`"


@pytest.mark.slow
def test_other_code_on_the_stage_is_detected(loaded, environment, monkeypatch):
    monkeypatch.setattr(snowflake, "fingerprint", lambda code: "0" * 16)
    checks = found(doctor.snowflake_checks(environment))
    assert checks["code"][1] == "run `hitparade load`"


@pytest.mark.slow
def test_a_package_that_the_account_lacks_is_named(loaded, environment):
    arguments = json.dumps({"code": ""})
    wanted = json.dumps({"snowflake_function_packages": ["numpy", "no-such-package"]})
    result = loaded.dbt("--quiet", "run-operation", "doctor", "--args", arguments, "--vars", wanted)
    (check,) = (json.loads(line) for line in result.stdout.splitlines() if '"packages"' in line)
    assert check["step"].startswith("lacks no-such-package:")


def test_missing_environment_variables_are_named(monkeypatch):
    for name in doctor.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    result = CliRunner().invoke(cli.app, ["doctor", "--target", "snowflake"])
    assert result.exit_code == 1
    assert "lacks SNOWFLAKE_ACCOUNT, SNOWFLAKE_USER, SNOWFLAKE_PRIVATE_KEY_PATH" in result.stdout


BAD = {
    "mpd.slice.0-999.json": b"\xff\xfe",
    "mpd.slice.1000-1999.json": b"  ",
    "mpd.slice.1500-1999.json": b"  \n",
    "mpd.slice.2000-2999.json": b'{"playlists": [{"pid": 1',
    "mpd.slice.3000-3999.json": b'{"info": {}}',
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BAD)
def test_a_bad_slice_breaks_the_same_rule_on_both_targets(name, tmp_path):
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
