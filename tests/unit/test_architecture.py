"""Import rules, and requirements of every node of the project."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hitparade.app.queries import ARGUMENTS
from models_py.registry_schema import REGISTRY_FORMAT
from models_py.tasks import TASKS, TRAINED

ROOT = Path(__file__).resolve().parents[2]
LAYERS = [
    "staging",
    "intermediate",
    "features",
    "training",
    "registry",
    "functions",
    "predictions",
    "marts",
]
LAYERS += ["monitoring"]
# The packages a BI tool needs: `udfs.register` must not load training code.
SERVING = ("errors.py", "graphs.py", "runtime", "snowflake")
# Functions over stored tables, see docs/decisions/0014: they come after the predictions.
OVER_PREDICTIONS = {"function.hitparade.similar_tracks"}
WAREHOUSES = ROOT / "dbt_project" / "macros" / "warehouse"
# Macros of dbt and its adapters that a warehouse file overrides; they are not in the interface.
OVERRIDES = {
    "create_table_as",
    "get_empty_schema_sql",
    "get_limit_sql",
    "get_table_columns_and_constraints",
    "scalar_function_sql",
}
# Known only after a release, or an artifact of the order of a file: never an input.
LEAKS = re.compile(r"in_.*_(playlists|charts)|streams|popularity|line_number|rank.*|.*index.*")


@pytest.fixture(scope="session")
def manifest(parsed) -> dict:
    return json.loads((parsed / "manifest.json").read_text())


@pytest.fixture(scope="session")
def compiled(warehouse) -> dict:
    return json.loads((warehouse.folder / "target" / "manifest.json").read_text())


def own(manifest, kind):
    return {
        name: node for name, node in manifest[kind].items() if node["package_name"] == "hitparade"
    }


def layer(name, manifest):
    if name.startswith("function."):
        return "predictions" if name in OVER_PREDICTIONS else "functions"
    return manifest["nodes"][name]["fqn"][1]


@pytest.mark.parametrize(
    ("package", "unknown"),
    [
        ("models_py", {"dbt", "udfs", "hitparade", "benchmarks", "duckdb"}),
        ("udfs", {"dbt", "hitparade", "benchmarks"}),
        *((f"udfs/{part}", {"models_py"}) for part in SERVING),
        ("hitparade", {"benchmarks"}),
    ],
)
def test_a_package_does_not_import_those_to_its_left(package, unknown):
    """benchmarks -> hitparade -> udfs -> models_py."""
    path = ROOT / package
    files = [path] if path.is_file() else list(path.rglob("*.py"))
    assert files
    for file in files:
        assert not imported_by(file) & unknown, file


def imported_by(file: Path) -> set[str]:
    """The packages that a file imports, at the top or inside functions."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        names |= {alias.name for alias in node.names} if isinstance(node, ast.Import) else set()
        names |= {node.module or ""} if isinstance(node, ast.ImportFrom) else set()
    return {name.split(".")[0] for name in names}


def test_registering_the_functions_imports_no_training_code():
    program = (
        "import sys, duckdb, udfs; udfs.register(duckdb.connect()); "
        "print([name for name in sys.modules if name.split('.')[0] in ('models_py', 'sklearn')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr


def test_a_model_refers_only_to_layers_on_its_left(manifest):
    nodes = {k: v for k, v in own(manifest, "nodes").items() if k.startswith("model.")}
    for name, node in (nodes | own(manifest, "functions")).items():
        for parent in node["depends_on"]["nodes"]:
            if parent.startswith(("model.", "function.")):
                left, right = layer(parent, manifest), layer(name, manifest)
                assert LAYERS.index(left) <= LAYERS.index(right), f"{name} refers to {parent}"


def test_training_appends_and_is_never_fully_refreshed(manifest):
    models = [node for name, node in own(manifest, "nodes").items() if ".train_" in name]
    assert {model["name"] for model in models if model["language"] == "python"} == {
        f"train_{task}" for task in TRAINED
    }
    for model in models:
        if model["language"] == "python":
            config = model["config"]
            assert config["materialized"] == "incremental"
            assert config["incremental_strategy"] == "append"
            assert config["full_refresh"] is False


def test_contracts_are_enforced_where_others_build_on_them(manifest):
    for name, node in own(manifest, "nodes").items():
        if name.startswith("model.") and name != "model.hitparade.registry":
            layers = ("intermediate", "features", "registry", "predictions", "marts", "monitoring")
            built_on = node["fqn"][1] in layers
            built_on |= node["name"].startswith("stg_mpd__")
            assert node["config"]["contract"]["enforced"] == built_on, name


def test_everything_is_described(manifest):
    described = own(manifest, "nodes") | own(manifest, "sources") | own(manifest, "functions")
    kinds = ("model", "seed", "source", "function", "analysis")
    models = {k: v for k, v in described.items() if k.split(".")[0] in kinds}
    missing = [name for name, node in models.items() if not node["description"]]
    for name, node in models.items():
        parts = [*node.get("columns", {}).values(), *node.get("arguments", [])]
        missing += [f"{name}.{part['name']}" for part in parts if not part["description"]]
    assert missing == []


def test_every_macro_and_its_arguments_are_described(manifest):
    missing = []
    for name, macro in own(manifest, "macros").items():
        is_variant = re.match(r"[a-z]+__", macro["name"])
        if not is_variant and len(macro["description"].split()) < 3:
            missing.append(name)
        missing += [f"{name}({a['name']})" for a in macro["arguments"] if not a["description"]]
    assert missing == []


def test_every_column_is_documented(manifest, warehouse):
    catalog = warehouse.query("select schema_name, table_name, column_name from duckdb_columns()")
    tables = own(manifest, "nodes") | own(manifest, "sources")
    for name, node in tables.items():
        # raw.playlists exists only in Snowflake.
        is_here = node["config"].get("meta", {}).get("warehouse", "duckdb") == "duckdb"
        if name.startswith(("model.", "seed.", "source.")) and is_here:
            table = (node["schema"], node.get("alias") or node["identifier"])
            assert {c for s, t, c in catalog if (s, t) == table} == set(node["columns"]), name


def test_dbt_and_python_have_the_same_registry_format(manifest):
    macro = manifest["macros"]["macro.hitparade.registry_format"]["macro_sql"]
    assert f"return({REGISTRY_FORMAT})" in macro


def test_every_stored_model_id_is_known_to_the_registry(manifest, warehouse):
    """A model missing in `ml.stored_predictions` could be pruned while predictions use it."""
    columns = warehouse.query(
        "select table_name, column_name from duckdb_columns() where schema_name = 'main' "
        "and table_name like 'fct%' and column_name like '%model_id'"
    )
    listed = warehouse.query("select distinct table_name, task from ml.stored_predictions")
    assert {(table, f"{task}_model_id") for table, task in listed} == set(columns)


def test_dialects_differ_only_in_the_warehouse_macros():
    parts = ("dbt_project", "udfs", "sql", "tests/dbt", "data/seeds")
    files = [file for part in parts for file in (ROOT / part).rglob("*.*") if file.suffix != ".csv"]
    differs = re.compile(
        r"target\.(?:type|name)|target\[|adapter\.(?:type|dispatch)|macro [a-z]+__"
    )
    for file in [*files, ROOT / "dbt_project.yml"]:
        if file.suffix in (".sql", ".yml", ".py"):
            found = set(differs.findall(file.read_text()))
            assert found <= {allowed_in_warehouse_macros(file)}, file


def allowed_in_warehouse_macros(file: Path) -> str | None:
    """Return the allowed match: the interface dispatches, a warehouse file has its variants."""
    if file.parent != WAREHOUSES:
        return None
    return "adapter.dispatch" if file.stem == "interface" else f"macro {file.stem}__"


@pytest.mark.parametrize("warehouse", ["duckdb", "snowflake"])
def test_a_warehouse_has_a_variant_of_each_macro_of_the_interface(warehouse):
    interface = dispatched(WAREHOUSES / "interface.sql", "")
    variants = dispatched(WAREHOUSES / f"{warehouse}.sql", f"{warehouse}__")
    assert len(interface) > 50
    assert set(variants) - OVERRIDES == set(interface)
    for name in interface:
        assert variants[name] == interface[name], name


def dispatched(file: Path, prefix: str) -> dict[str, int]:
    """The number of arguments of each macro; a call block is one more."""
    macros = re.findall(rf"{{% macro {prefix}(\w+)\((.*)\) -%}}", file.read_text())
    counts = {name: len(arguments.split(", ")) if arguments else 0 for name, arguments in macros}
    called = re.findall(r"dispatch\('(\w+)'\)\(.*caller\)", file.read_text())
    return counts | {name: counts[name] + 1 for name in called}


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_no_input_is_known_only_after_release(task):
    assert [name for name in task.inputs if LEAKS.fullmatch(name)] == []


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_no_input_is_computed_from_columns_known_only_after_release(task, compiled):
    node = compiled["functions"][f"function.hitparade.encode_{task.name}"]
    by_row = node["compiled_code"].split("(t) as ")[1]
    read = set(re.findall(r"\bt\.(\w+)", by_row))
    assert read == {argument["name"] for argument in node["arguments"]}
    assert [name for name in read if LEAKS.fullmatch(name)] == []


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_the_feature_table_and_the_task_name_the_same_inputs(task, manifest):
    columns = list(manifest["nodes"][f"model.hitparade.feat_{task.name}"]["columns"])
    assert columns[3:] == [*task.inputs, task.label]


@pytest.mark.parametrize("task", [task for task in ARGUMENTS if task != "song_optimization"])
def test_the_page_gives_the_arguments_of_a_function_in_order(task, manifest):
    """Chart songs have shares in percent, and another name for the tempo."""
    given = [re.sub(r"100 \* (\w+)", r"\1_pct", one) for one in ARGUMENTS[task]]
    arguments = manifest["functions"][f"function.hitparade.predict_{task}"]["arguments"]
    assert [one["name"].replace("bpm", "tempo") for one in arguments] == given
