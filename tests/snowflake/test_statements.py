"""Statements for Snowflake, and their consistency with the project: names, defaults, packages."""

import asyncio
import json
import re

import pytest
import yaml
from snowflake.connector.errors import ProgrammingError

from hitparade.sources import raw
from models_py.song_optimization.protocol import MAX_CHANGE, MOST, PENALTY
from tests.snowflake import dialect, emulator
from tests.snowflake.packages import allowed
from tests.warehouse import ROOT
from udfs.runtime.functions import FUNCTIONS

SCRIPTS = sorted((ROOT / "docs" / "snowflake").glob("*.sql"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_a_script_of_the_documentation_parses(script):
    assert dialect.checked(script.read_text(), frozenset({"task_history"}))


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("select list_contains(a, 1) from t", "Unknown function list_contains"),
        ("select read_csv('x')", "Unknown function read_csv"),
        ("select rows from t", "rows is a reserved word"),
        ("select a as following from t", "following is a reserved word"),
        ("select count(*) filter (where a) from t", "Filter"),
        ("select a from t anti join u on t.a = u.a", "join of another dialect"),
        ("insert into t by name select 1 as a", "by name|Expecting|Invalid"),
        ("select cast(a as double[]) from t", "no type of Snowflake"),
        ("select cast(a as hugeint) from t", "no type of Snowflake|Expected"),
        ("summarize t", "no statement|Summarize"),
        ("pragma foo", "Pragma|known shapes|Invalid|Expecting"),
        ("drop macro f", "known shapes|Expecting|Invalid"),
        ("create user x flavour = sour; alter table t frobnicate", "known shapes"),
        ("select 1e0 as a", "fixed-point"),
        ("select a from t where ((", "Expecting|Invalid|Required"),
        ("select string_agg(a, ',' order by b) from t", "Unknown|Expecting"),
    ],
)
def test_sql_that_snowflake_lacks_is_refused(statement, message):
    with pytest.raises(dialect.DialectError, match=message):
        dialect.checked(statement)


def test_a_function_of_the_project_is_accepted():
    assert dialect.checked("select predict_hit(1)", frozenset({"predict_hit"}))


def test_a_request_that_is_sent_again_runs_once():
    """A client sends it again if the machine is so busy that the answer takes a minute."""
    ran = []

    async def application(scope, receive, send):
        body = (await receive())["body"]
        ran.append(body)
        await asyncio.sleep(0.05)
        await send({"type": "http.response.body", "body": body + b"!"})

    async def asked(number: int, body: bytes) -> bytes:
        answers = []

        async def receive() -> dict:
            return {"type": "http.request", "body": body}

        async def send(message: dict) -> None:
            answers.append(message["body"])

        path, query = "/queries/v1/query-request", f"requestId={number}".encode()
        await once({"path": path, "query_string": query}, receive, send)
        return b"".join(answers)

    async def ask() -> list[bytes]:
        found = await asyncio.gather(asked(1, b"a"), asked(1, b"a"), asked(2, b"b"))
        return [*found, await asked(1, b"a")]

    once = emulator.Once(application)
    assert asyncio.run(ask()) == [b"a!", b"a!", b"b!", b"a!"]
    assert ran == [b"a", b"b"]


def test_arguments_by_position_and_by_name_are_refused():
    known = frozenset({"next_songs"})
    assert dialect.checked("select next_songs(track_uris => ['a'], k => 3, per_artist => 1)", known)
    with pytest.raises(dialect.DialectError, match="by position and by name"):
        dialect.checked("select next_songs(['a'], 3, per_artist => 1)", known)


def test_a_function_with_more_optional_arguments_replaces_none_of_snowflake(monkeypatch):
    monkeypatch.setattr(emulator, "_signatures", {})
    two = [("track_uris", "array", None), ("k", "bigint", None)]
    emulator._refuse_overload("main.next_songs", two)
    emulator._refuse_overload("main.next_songs", two)
    emulator._refuse_overload("main.other", [*two, ("exclude", "array", "null")])
    with pytest.raises(ProgrammingError, match="Cannot overload FUNCTION"):
        emulator._refuse_overload("main.next_songs", [*two, ("exclude", "array", "null")])


def test_earlier_functions_are_dropped_that_the_present_ones_would_overload():
    """The functions of the first versions: those arguments of the present ones without default."""
    macro = (ROOT / "dbt_project/macros/warehouse/snowflake.sql").read_text()
    dropped = set(re.findall(r"'(\w*next_songs\w*)\(([\w, ]+)\)'", macro))
    functions = yaml.safe_load((ROOT / "udfs/functions/_playlists.yml").read_text())["functions"]
    types = {"bigint": "number", "varchar[]": "array", "varchar": "varchar"}
    assert dropped == {
        (
            one["name"],
            ", ".join(
                types[argument["data_type"]]
                for argument in one["arguments"]
                if "default_value" not in argument
            ),
        )
        for one in functions
        if any("default_value" in argument for argument in one["arguments"])
    }


def test_the_options_of_next_songs_are_equal_everywhere():
    functions = yaml.safe_load((ROOT / "udfs/functions/_playlists.yml").read_text())["functions"]
    options = [
        {
            one["name"]: one["default_value"]
            for one in function["arguments"]
            if "default_value" in one
        }
        for function in functions
    ]
    (declared, *others) = [given for given in options if given]
    assert len(others) == 3 and all(given == declared for given in others)
    (function,) = (one for one in FUNCTIONS if one.name == "onnx_next_songs")
    as_duckdb = {
        name: value.replace("array_construct('*')", "['*']") for name, value in declared.items()
    }
    assert function.defaults == as_duckdb
    macro = (ROOT / "dbt_project/macros/functions/songs.sql").read_text()
    written = dict(re.findall(r"(\w+) := (.+?)[\'\"],?\n", macro))
    assert {
        name: re.sub(r"cast\(null as .+\)", "null", text) for name, text in written.items()
    } == as_duckdb


def test_raw_columns_have_the_order_in_which_they_are_loaded():
    sources = yaml.safe_load((ROOT / "dbt_project/models/staging/_raw.yml").read_text())["sources"]
    tables = {table["name"]: table for table in sources[0]["tables"]}
    for name, source in raw.SOURCES.items():
        columns = [column["name"] for column in tables[name]["columns"]]
        assert columns == [*source.columns, "line_number", "unparsed", "flaw"], name


def test_the_defaults_of_the_optimizer_are_equal_everywhere():
    functions = yaml.safe_load((ROOT / "udfs/functions/_optimization.yml").read_text())["functions"]
    (optimizer,) = (one for one in functions if one["name"] == "optimize_song")
    given = {one["name"]: one["default_value"] for one in optimizer["arguments"][-4:]}
    assert given == {
        "features": "null",
        "max_change": MAX_CHANGE,
        "max_features": MOST,
        "penalty": PENALTY,
    }


def test_packages_are_listed_in_one_file_and_exist():
    project = yaml.safe_load((ROOT / "dbt_project.yml").read_text())
    training = project["models"]["hitparade"]["training"]["+packages"]
    functions = project["vars"]["snowflake_function_packages"]
    versions = project["models"]["hitparade"]["training"]["+python_version"]
    assert versions == project["vars"]["snowflake_python"]
    assert allowed([*training, *functions]) > {"onnxruntime", "torch", "xgboost-cpu"}
    for file in [*(ROOT / "dbt_project").rglob("*.*"), *(ROOT / "udfs").rglob("*.*ml")]:
        if file.suffix in (".sql", ".yml"):
            assert "onnxmltools" not in file.read_text(), file


def test_every_python_function_of_snowflake_exists(parsed):
    from udfs.snowflake import helpers, served

    manifest = json.loads((parsed / "manifest.json").read_text())
    handlers = [
        node["config"]["meta"]["snowflake"]
        for node in manifest["functions"].values()
        if "snowflake" in node["config"]["meta"]
    ]
    assert len(handlers) == 8
    assert all(callable(getattr(served, name)) for name in handlers)
    macro = manifest["macros"]["macro.hitparade.helpers"]["macro_sql"]
    listed = re.findall(r"\('(\w+)', '(helpers|served)', \{", macro)
    assert len(listed) == 13
    homes = {"helpers": helpers, "served": served}
    assert all(callable(getattr(homes[module], name)) for name, module in listed)
