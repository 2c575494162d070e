"""The YAML of generated models, functions and macros: descriptions, types, contracts, tests."""

from typing import Any

import yaml

from hitparade.generate.declarations import (
    LABEL_TYPES,
    Column,
    Declarations,
    Derived,
    Entity,
    SpecialTask,
    TabularTask,
    Task,
)
from hitparade.generate.docs import doc, registry_docs, sql_backend_docs
from hitparade.generate.render import functions_of
from models_py.registry_schema import PORTABLE, SCHEMA, sql_types

NOT_NULL = {"constraints": [{"type": "not_null"}]}
FINDINGS = "One sentence for each finding; an empty list if there is none."
EXPLANATION = "struct(rank integer, feature varchar, contribution double)[]"


class _Dumper(yaml.SafeDumper):
    """Writes lists indented and without anchors, so that each entry can be read by itself."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def dumped(content: dict) -> str:
    """Return content as YAML."""
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True)


def functions(task: TabularTask) -> dict:
    """Return the properties of a task's functions."""
    given = [_argument(column) for column in task.arguments]
    algorithm = {
        "name": "algorithm",
        "data_type": "varchar",
        "description": f"One of {', '.join(task.algorithms)}.",
    }
    entries = []
    for template, name, derived in functions_of(task):
        is_by = template == "predict_by"
        by_row = f"{name}(algorithm, t)" if is_by else f"{name}(t)"
        type, returned, says = FUNCTIONS[template](task, derived)
        entries.append(
            {
                "name": name,
                "description": f"{says} Also by row, {by_row}.",
                "arguments": [algorithm, *given] if is_by else given,
                "returns": {"data_type": type, "description": returned},
            }
        )
    return {"functions": entries}


def _argument(column: Column) -> dict:
    return {"name": column.name, "data_type": column.type, "description": column.description}


def _predict(task: TabularTask, derived: Derived | None) -> tuple[str, str, str]:
    return *_answer(task), f"The champion's answer: {task.answers}."


def _predict_by(task: TabularTask, derived: Derived | None) -> tuple[str, str, str]:
    return *_answer(task), f"The answer of the newest model of an algorithm: {task.answers}."


def _answer(task: TabularTask) -> tuple[str, str]:
    """Return the type of a task's answer, and a sentence about it."""
    if task.labels:
        return "varchar", f"{_listed(task.labels)}."
    return "double", "A probability." if task.kind == "binary" else f"{_capital(task.answers)}."


def _proba(task: TabularTask, derived: Derived | None) -> tuple[str, str, str]:
    struct = ", ".join(f"{label} double" for label in task.labels)
    says = f"The champion's probability of each label: {_listed(task.labels)}."
    return f"struct({struct})", "A probability for each label.", says


def _derived(task: TabularTask, derived: Derived | None) -> tuple[str, str, str]:
    assert derived
    return "double", f"{_capital(derived.answers)}.", f"From the champion: {derived.answers}."


def _check(task: TabularTask, derived: Derived | None) -> tuple[str, str, str]:
    unknown = f", and {task.vocabulary} that are unknown" if task.vocabulary else ""
    says = (
        f"What is wrong or unusual in a row for predict_{task.name}: values that are missing, "
        f"not finite or outside the range seen in training{unknown}."
    )
    return "varchar[]", FINDINGS, says


def _encode(task: TabularTask, derived: Derived | None) -> tuple[str, str, str]:
    says = f"The encoded inputs of task {task.name}, for onnx_predict and check_features."
    return "double[]", "The encoded inputs in order, see ml.model_versions.", says


def _explain(task: TabularTask, derived: Derived | None) -> tuple[str, str, str]:
    answer = (
        f"the probability of the label that predict_{task.name} returns"
        if task.labels
        else (task.answers)
    )
    says = (
        f"The contribution of each input to the champion's answer, {answer}: Shapley values "
        "against a background of other rows. The contributions add up to the answer. NULL if the "
        "answer is NULL."
    )
    returned = (
        "A list of structs (rank, feature, contribution); rank 0 is the background's average."
    )
    return EXPLANATION, returned, says


FUNCTIONS = {
    "predict": _predict,
    "predict_by": _predict_by,
    "predict_proba": _proba,
    "derived": _derived,
    "check": _check,
    "encode": _encode,
    "explain": _explain,
}


def _listed(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"


def _capital(sentence: str) -> str:
    """Return a sentence with a capital letter, unless it begins with a formula."""
    return sentence if "(" in sentence.split()[0] else sentence[0].upper() + sentence[1:]


def features(task: TabularTask) -> dict:
    """Return the properties of a task's feature table: its contract, and its test for leaks."""
    entity = task.entity
    leak = {
        "rows": f"ref('{entity.relation}')",
        "key": entity.key,
        "after_release": list(entity.after_release),
    }
    inputs = [one for column in task.arguments for one in _inputs(entity, column)]
    label = (task.label.name, LABEL_TYPES[task.kind], task.label.description)
    columns = [
        _column(entity.key, "varchar", _key_doc(entity)) | {"data_tests": ["unique"]},
        _column("pair_key", "varchar", doc("pair_key")),
        _column("fold", "integer", doc("song_fold")),
        *(_column(*one) for one in [*inputs, label]),
    ]
    says = (
        f"One row for each {entity.rows}: key, fold, the inputs of task {task.name} in order, "
        "and its label."
    )
    tests = ["one_side_of_a_split", {"no_leak": {"arguments": leak}}]
    return _models(
        {
            "name": f"feat_{task.name}",
            "description": says,
            "data_tests": tests,
            "columns": columns,
        }
    )


def _key_doc(entity: Entity) -> str:
    return doc(f"{entity.name}_{entity.key}")


def _inputs(entity: Entity, column: Column) -> list[tuple[str, str, str]]:
    """Return name, type and description of each input that a column becomes."""
    if column.inputs:
        return [(one.name, "double", one.description) for one in column.inputs]
    if column.vocabulary:
        says = f"1 or 0 for each row of the seed {column.vocabulary}, in alphabetical order."
        return [(column.name, "double[]", says)]
    if column.type == "boolean":
        return [(column.name, "double", f"1 or 0. {column.description}")]
    return [(column.name, "double", doc(f"{entity.name}_{column.name}"))]


def _column(name: str, type: str, description: str) -> dict[str, Any]:
    return {"name": name, "data_type": type, "description": description} | NOT_NULL


def training(declared: Declarations) -> dict:
    """Return the properties of all training models: hyperparameters, definition, columns."""
    columns = [{"name": name, "description": says} for name, says in registry_docs().items()]
    registered = (
        "One row for each registered model. Columns that only training fills are NULL. Never "
        "fully refreshed."
    )
    table = {"name": "registered_models", "description": registered, "columns": columns}
    return {
        "models": [_trained(task, columns) for task in declared.tasks],
        "sources": [{"name": "ml", "schema": "ml", "tables": [table]}],
    }


def _trained(task: Task, columns: list[dict]) -> dict:
    definition = {key: f"{{{{ var('{name}') }}}}" for key, name in task.definition.items()}
    says = (
        f"One row for each model ever trained for {task.name}, which predicts {task.answers}. Rows "
        "are only appended. A build on unchanged features and hyperparameters adds none, and a "
        "full refresh keeps them."
    )
    return {
        "name": f"train_{task.name}",
        "description": says,
        "config": {
            "materialized": "incremental",
            "incremental_strategy": "append",
            "full_refresh": False,
            "on_schema_change": "append_new_columns",
            "meta": {"algorithms": dict(task.algorithms), "definition": definition},
        },
        "columns": columns,
    }


ORIGIN = ("origin", "varchar", doc("origin"))
NEWEST = "True for the newest version of its algorithm, if its inputs fit the task's functions."
# Columns that ml.model_versions leaves out, because other views have them.
LEFT_OUT = ("onnx", "portable", "metrics", "importance", "calibration", "confusion")
# Data tests of single columns, by model.
TESTS: dict[str, dict[str, list]] = {
    "model_versions": {
        "model_id": ["not_null"],
        "onnx_bytes": [
            {"accepted_range": {"arguments": {"min_value": 1, "max_value": 33_554_432}}}
        ],
        "origin": [{"accepted_values": {"arguments": {"values": ["trained", "registered"]}}}],
    },
    "models_to_serve": {"model_id": ["not_null"]},
}


def registry() -> dict:
    """Return the properties of the models whose columns follow the registry's format."""
    types, says = sql_types(SCHEMA), registry_docs()
    all_columns = [*((name, types[name], says[name]) for name in SCHEMA.names), ORIGIN]
    parts = [(n, sql_types(PORTABLE)[n], text) for n, text in sql_backend_docs().items()]
    first = [one for one in all_columns if one[0] in ("model_id", "task", "algorithm")]
    inputs = [one for one in all_columns if one[0] == "inputs"]
    served = [*first, ("is_newest", "boolean", NEWEST), *inputs, *parts]
    versions = [one for one in all_columns if one[0] not in LEFT_OUT]
    table = {
        "name": "served_models",
        "description": (
            "One row for each model that the SQL backend can run. Every build, promotion, "
            "registration and assignment renews it from ml.models_to_serve."
        ),
        "columns": [{"name": name, "description": text} for name, _, text in served],
    }
    return {
        "models": [
            {
                "name": "registry",
                "description": (
                    "One row for each model ever trained or registered, with all columns. Other "
                    "views of this schema show parts of it."
                ),
                "columns": [{"name": name, "description": text} for name, _, text in all_columns],
            },
            _view(
                "model_versions",
                "One row for each model ever trained or registered, without its bytes.",
                ["task", "algorithm", "version"],
                versions,
            ),
            _view(
                "models_to_serve",
                "One row for each model that belongs in ml.served_models: champions, the newest "
                "version of each algorithm, models with a share of the traffic, and registered "
                "models.",
                ["model_id", "task", "algorithm"],
                served,
            ),
        ],
        "sources": [{"name": "ml", "schema": "ml", "tables": [table]}],
    }


def _view(name: str, description: str, key: list[str], columns: list) -> dict[str, Any]:
    unique = {"unique_combination_of_columns": {"arguments": {"combination_of_columns": key}}}
    tests = TESTS[name]
    return {
        "name": name,
        "description": description,
        "data_tests": [unique],
        "columns": [
            _nullable(*column) | ({"data_tests": tests[column[0]]} if column[0] in tests else {})
            for column in columns
        ],
    }


def predictions(declared: Declarations, entity: Entity, columns: list[dict[str, Any]]) -> dict:
    """Return the properties of an entity's table of predictions."""
    tasks = list(dict.fromkeys(column["task"] for column in columns))
    says = (
        f"One row for each scored row of {entity.relation}, with the answers and ids of the "
        "champions. A champion was trained on four fifths of the rows, so its answers there look "
        "too good. Evaluate it with ml.model_metrics, or on fold 0 of the feature table."
    )
    exists = {"relationships": {"arguments": {"to": f"ref('{entity.mart}')", "field": entity.key}}}
    key = _column(entity.key, "varchar", _key_doc(entity))
    stamped = "The model that gave the answer of {}; NULL if the task had no champion."
    return _models(
        {
            "name": entity.predictions,
            "description": says,
            "columns": [
                key | {"data_tests": ["unique", exists]},
                *(_prediction(column) for column in columns),
                *(_nullable(f"{task}_model_id", "varchar", stamped.format(task)) for task in tasks),
                _column(
                    "inputs_hash", "varchar", "md5 of the inputs: a changed row is scored again."
                ),
                _nullable("predicted_at", "timestamp", doc("predicted_at")),
            ],
        }
    )


def _nullable(name: str, type: str, description: str) -> dict[str, Any]:
    return {"name": name, "data_type": type, "description": description}


def _prediction(column: dict[str, Any]) -> dict[str, Any]:
    says = f"{_capital(column['answers'])}, by the champion; NULL if an input is missing."
    found = _nullable(column["name"], column["type"], says)
    if column["is_probability"]:
        bounds = {"accepted_range": {"arguments": {"min_value": 0, "max_value": 1}}}
        found["data_tests"] = [bounds]
    return found


def macros(declared: Declarations) -> dict:
    """Return the descriptions of the generated macros."""
    row = {"name": "row", "type": "string", "description": "Prefix of the row, such as `t.`."}
    value = {"name": "value", "type": "string", "description": "SQL expression of the column."}
    activation = {"name": "activation", "type": "string", "description": "Name of the operator."}
    values = {"name": "values", "type": "string", "description": "SQL expression of the list."}
    promotion = [
        {"name": "task", "type": "string", "description": "Name of the task."},
        {"name": "model_id", "type": "string", "description": "Id of the model."},
        {"name": "reason", "type": "string", "description": "Reason, for ml.promotions."},
        {
            "name": "is_pinned",
            "type": "boolean",
            "description": "True to pin the task.",
        },
    ]
    transform = {"name": "transform", "type": "string", "description": "Name of the transform."}
    entries = [
        _macro(
            "tasks",
            "Every task: encoder, raw source, tables of predictions.",
        ),
        _macro(
            "entities",
            "The entities of tabular tasks: relation, key, training rows.",
        ),
        _macro("registry_types", "The columns of the registry and their types."),
        _macro("sql_backend_types", "The parts of a model's parameters for the SQL backend."),
        _macro("registry_format", "The number of the registry's format."),
        _macro("next_promotion_at", "The time of a promotion, later than all earlier promotions."),
        _macro("insert_promotion", "The statement that records a promotion by hand.", *promotion),
        _macro("renew_served_models", "The statements that renew ml.served_models."),
        _macro("activated", "The values after a layer's activation.", activation, values),
        _macro("answered", "The answer of a model from its raw scores `s`.", transform),
    ]
    for task in declared.tasks:
        if isinstance(task, TabularTask) or (isinstance(task, SpecialTask) and task.inputs_of):
            says = f"The inputs of task {task.name}, in the order of its models."
            entries.append(_macro(f"encode_{task.name}", says, row))
        if isinstance(task, SpecialTask) and task.changeable:
            says = f"The audio features of a track that {task.name} may change."
            entries.append(_macro("encode_audio", says, row))
            says = f"The features {task.name} may change: name, low, high, digits and unit."
            entries.append(_macro("changeable", says))
    for entity in declared.entities.values():
        for column in entity.columns.values():
            for one in column.inputs:
                entries.append(_macro(f"{entity.name}_{one.name}", one.description, value))
    return {"macros": entries}


def _macro(name: str, description: str, *arguments: dict) -> dict:
    found: dict[str, Any] = {"name": name, "description": description}
    return found | ({"arguments": list(arguments)} if arguments else {})


def _models(*entries: dict) -> dict:
    return {"models": list(entries)}
