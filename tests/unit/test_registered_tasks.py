"""Declarations of tasks whose models are registered, and what is generated from them."""

import shutil
import tomllib

import pytest
import yaml

from hitparade import generate
from hitparade.generate import DeclarationError
from hitparade.generate.declarations import Rows
from hitparade.generate.reading import declared_rows
from tests.warehouse import ROOT

LOANS = {
    "task": "loans",
    "answers": "whether a loan is repaid",
    "kind": "label",
    "outputs": ["false", "true"],
    "arguments": {"amount": "double", "purpose": "varchar"},
    "rows": {"relation": "dim_loans", "key": "loan_id", "predictions": "fct_loans"},
}


def project(folder, **changes):
    """A project with the declaration of loans; a change to None leaves a key out."""
    shutil.copytree(ROOT / "tasks", folder / "tasks")
    facts = {key: value for key, value in (LOANS | changes).items() if value is not None}
    (folder / "tasks" / "loans.yml").write_text(yaml.safe_dump(facts, sort_keys=False))
    return folder


def generated(folder) -> set[str]:
    generate.write(folder)
    return {path.stem for path in folder.rglob("*loans*.sql")}


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, {"predict_loans", "predict_loans_by", "predict_loans_proba", "fct_loans"}),
        ({"rows": None}, {"predict_loans", "predict_loans_by", "predict_loans_proba"}),
        (
            {"kind": "number", "outputs": ["loss"], "rows": None},
            {"predict_loans", "predict_loans_by"},
        ),
    ],
)
def test_a_declaration_becomes_functions_and_a_table(tmp_path, changes, names):
    always = {"check_loans", "encode_loans", "explain_loans"}
    assert generated(project(tmp_path, **changes)) == names | always


def test_the_functions_are_described_by_their_kind(tmp_path):
    root = project(tmp_path, kind="labels", outputs=["late", "odd one's"])
    generate.write(root)
    text = (root / "udfs/functions/generated/_loans.yml").read_text()
    functions = {one["name"]: one for one in yaml.safe_load(text)["functions"]}
    assert functions["predict_loans"]["returns"]["data_type"] == "varchar[]"
    proba = functions["predict_loans_proba"]["returns"]["data_type"]
    assert proba == 'struct("late" double, "odd one\'s" double)'
    first = [one["arguments"][0]["name"] for one in functions.values()]
    assert first == ["amount", "algorithm", "amount", "amount", "amount", "output"]
    assert "explain_loans(output, t)" in functions["explain_loans"]["description"]


def test_a_function_of_one_argument_has_no_form_by_row(tmp_path):
    root = project(tmp_path, arguments={"amount": "double"})
    generate.write(root)
    assert "by row" not in (root / "udfs/functions/generated/_loans.yml").read_text()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "numbers?"}, "kind: 'numbers\\?' is not one of"),
        ({"kind": "number"}, "kind is number, and there are several outputs"),
        ({"outputs": ["a", "A"]}, "two outputs differ only in case"),
        ({"outputs": []}, "outputs: "),
        ({"arguments": {}}, "arguments: "),
        ({"arguments": {"order": "double"}}, "order cannot be the name of an argument in SQL"),
        ({"arguments": {"output": "double"}, "kind": "labels"}, "output cannot be the name"),
        ({"arguments": {"amount": "decimal"}}, "'decimal' is not one of"),
        ({"rows": {"relation": "dim_loans"}}, "'key' is a required property"),
        ({"rows": {"relation": "a.b.c", "key": "k"}}, "relation is a.b.c: give a dbt model"),
        ({"rows": {"relation": "Main.Loans", "key": "k"}}, "in lower case"),
        ({"rows": {"relation": "a", "key": "inputs_hash"}}, "has a column inputs_hash of its own"),
        ({"task": "loan"}, "give the name of the file"),
        ({"entity": "tracks"}, "'entity' was unexpected"),
    ],
)
def test_a_wrong_declaration_names_the_cause(tmp_path, changes, message):
    with pytest.raises(DeclarationError, match=message):
        generate.check(project(tmp_path, **changes))


def test_a_function_that_exists_is_not_replaced(tmp_path):
    root = project(tmp_path)
    (root / "tasks" / "loans.yml").rename(root / "tasks" / "streams.yml")
    text = (root / "tasks" / "streams.yml").read_text().replace("task: loans", "task: streams")
    (root / "tasks" / "streams.yml").write_text(text)
    with pytest.raises(DeclarationError, match="there is another predict_streams"):
        generate.check(root)


def test_a_table_that_exists_is_not_replaced(tmp_path):
    root = project(tmp_path, rows={"relation": "a", "key": "k", "predictions": "dim_tracks"})
    (root / "dbt_project/models/marts").mkdir(parents=True)
    (root / "dbt_project/models/marts/dim_tracks.sql").touch()
    with pytest.raises(DeclarationError, match="there is another dim_tracks"):
        generate.check(root)


@pytest.mark.parametrize(
    "file", sorted((ROOT / "tasks").glob("*_*.yml")), ids=lambda file: file.stem
)
def test_other_declarations_have_no_rows(file):
    assert declared_rows(file) is None


def test_the_rows_of_a_declaration(tmp_path):
    file = project(tmp_path) / "tasks" / "loans.yml"
    assert declared_rows(file) == Rows("dim_loans", "loan_id", None, "fct_loans")
    assert declared_rows(tmp_path / "nothing.yml") is None


def test_every_template_is_in_the_package():
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    package = ROOT / "hitparade" / "generate"
    given = patterns["package-data"]["hitparade.generate"]
    packed = {file for pattern in given for file in package.glob(pattern)}
    assert {file for file in (package / "templates").rglob("*") if file.is_file()} <= packed


def test_a_removed_declaration_leaves_nothing(tmp_path):
    root = project(tmp_path)
    assert generated(root)
    (root / "tasks" / "loans.yml").unlink()
    assert generated(root) == set()


def test_a_project_without_packages_of_its_own_gets_none(tmp_path):
    root = project(tmp_path)
    generate.write(root)
    assert not (root / "models_py").exists() and not (root / "hitparade").exists()
