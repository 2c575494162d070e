"""What the HTTP door learns of functions from a file and from declarations."""

import asyncio

import pytest

from hitparade.serve.http.declared import Declarations, DeclaredArgument, DeclaredFunction
from hitparade.serve.http.functions import catalog
from hitparade.serve.http.kinds import (
    Anything,
    Boolean,
    Date,
    Integer,
    ListOf,
    Number,
    Text,
    kind_of,
)

LINEAR = "(1.5 + CAST(energy AS DOUBLE))"
DEFINITIONS = {
    "predict_hit": (["energy"], "onnx_predict('aaa', list_value(CAST(energy AS DOUBLE)))[2]"),
    "predict_line": (["energy"], LINEAR),
    "predict_line_proba": (["energy"], "something else"),
    "predict_double": (["energy"], f"(2 * {LINEAR})"),
    "explain_line": (["energy"], "onnx_explain_plan(COALESCE('x'), 'bbb', list_value(energy), 2)"),
    "check_line": (["energy"], "check_features('bbb', list_value(CAST(energy AS DOUBLE)))"),
    "predict_hit_by": (
        ["algorithm", "energy"],
        "onnx_predict(\"map\"(list_value('a', 'b'), list_value('aaa', 'ccc'))[algorithm], energy)",
    ),
    "onnx_predict": (["model_id", "features"], "CASE WHEN model_id = 'aaa' THEN 1 END"),
    "assigned_model": (["task_name"], "list_value('aaa', 'bbb')"),
}


def told(**forms):
    functions = [
        {
            "name": name,
            "is_table": False,
            "parameters": [*names],
            "description": "",
            "definition": text,
        }
        for name, (names, text) in (forms or DEFINITIONS).items()
    ]
    models = {"aaa": "hit", "ccc": "hit", "bbb": "line"}
    return {
        "file": "1",
        "functions": functions,
        "models": [{"model_id": one, "task": task} for one, task in models.items()],
        "champions": [{"task": "hit", "model_id": "aaa"}, {"task": "line", "model_id": "bbb"}],
    }


@pytest.mark.parametrize(
    ("name", "model_id"),
    [
        ("predict_hit", "aaa"),
        ("predict_line", "bbb"),
        ("predict_line_proba", "bbb"),
        ("predict_double", "bbb"),
        ("explain_line", "bbb"),
        ("check_line", "bbb"),
        ("predict_hit_by", None),
        ("onnx_predict", None),
        ("assigned_model", None),
    ],
)
def test_the_model_that_answers_is_known(name, model_id):
    assert catalog(told(), {}).named(name).model_id == model_id


def test_an_argument_may_decide_which_model_answers():
    found = catalog(told(), {})
    by = found.named("predict_hit_by")
    assert by.by_algorithm == {"a": "aaa", "b": "ccc"}
    assert by.model_of({"algorithm": "b"}) == "ccc"
    assert by.model_of({"algorithm": None}) is None
    assert found.named("onnx_predict").model_of({"model_id": "x"}) == "x"
    assert not found.named("predict_hit").models_differ


def test_a_check_takes_the_same_inputs():
    found = catalog(told(), {})
    assert found.named("predict_double").check == "check_line"
    assert found.named("predict_hit").check is None
    assert found.named("check_line").check is None


def test_types_follow_from_the_declaration_else_from_the_definition():
    forms = {
        "f": (["a", "b", "c", "d"], "CAST(a AS DOUBLE), CAST(CAST(b AS BOOLEAN) AS DOUBLE), d")
    }
    declared = {
        "f": DeclaredFunction({"c": DeclaredArgument("bigint", "A number.", True)}, "double")
    }
    function = catalog(told(**forms), declared).named("f")
    kinds = {name: type(each.kind) for name, each in function.arguments.items()}
    assert kinds == {"a": Number, "b": Boolean, "c": Integer, "d": Anything}
    assert not function.arguments["c"].is_required
    assert function.arguments["c"].expected == "a whole number: A number."


def test_the_form_that_takes_a_row_is_left_out():
    both = told(f=(["a"], "CAST(a AS DOUBLE)"))
    both["functions"].insert(0, both["functions"][0] | {"parameters": ["t"], "definition": "t.a"})
    assert [*catalog(both, {}).named("f").arguments] == ["a"]


@pytest.mark.parametrize(
    ("declared", "kind"),
    [
        ("double", Number()),
        ("VARCHAR[]", ListOf(Text())),
        ("double[][]", ListOf(ListOf(Number()))),
        ("date", Date()),
        ("struct", Anything()),
        ("struct(a double)[]", Anything()),
        (None, Anything()),
    ],
)
def test_a_declared_type_is_read(declared, kind):
    assert kind_of(declared) == kind


def test_a_declaration_that_cannot_be_read_is_left_out(tmp_path):
    (tmp_path / "broken.yml").write_text("functions: [")
    (tmp_path / "list.yml").write_text("- 1")
    (tmp_path / "empty.yml").write_text("")
    (tmp_path / "good.yml").write_text("functions: [{name: f, returns: {data_type: double}}]")
    found = asyncio.run(Declarations([tmp_path, tmp_path / "missing"]).read())
    assert {name: each.returns for name, each in found.items()} == {"f": "double"}
