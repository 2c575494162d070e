"""The OpenAPI document: a path for each function, with a schema for its inputs."""

from typing import Any

from hitparade.serve.http.functions import Argument, Catalog, Function
from hitparade.serve.http.kinds import nullable
from hitparade.serve.http.sql import ARROW

JSON = "application/json"
PROBLEM = {"$ref": "#/components/schemas/Problem"}
MODEL_ID = {"type": ["string", "null"], "description": "The model that answered."}
CHECK = {
    "name": "check",
    "in": "query",
    "required": False,
    "schema": {"type": "boolean", "default": False},
}
STATUSES = {
    "400": "The body is not JSON, or the statement is wrong.",
    "401": "No token or password, or a wrong one.",
    "403": "Not permitted.",
    "404": "There is no such function.",
    "413": "The body is too large.",
    "415": "The body is not application/json.",
    "422": "An input is unknown, missing or wrong; `errors` lists them.",
    "429": "The user has too many requests.",
    "503": "No worker is free, or the file cannot be read.",
    "504": "The statement took too long.",
}


def document(catalog: Catalog) -> dict[str, Any]:
    """Return the document of a catalog."""
    functions = catalog.functions.values()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "hitparade",
            "version": catalog.file,
            "description": "The SQL functions of a hitparade database.",
        },
        "paths": {
            **{f"/predict/{each.name}": {"post": _predict(each)} for each in functions},
            **_others(),
        },
        "components": {
            "schemas": {
                **{f"{each.name}_inputs": _inputs(each) for each in functions},
                "Problem": _problem(),
            },
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "password": {"type": "http", "scheme": "basic"},
            },
        },
        "security": [{"token": []}, {"password": []}],
    }


def _predict(function: Function) -> dict[str, Any]:
    inputs = {"$ref": f"#/components/schemas/{function.name}_inputs"}
    rows = {"type": "array", "items": inputs}
    wrapped = {"type": "object", "properties": {"rows": rows}, "required": ["rows"]}
    schema = {"anyOf": [inputs, wrapped | {"additionalProperties": False}, rows]}
    return {
        "operationId": function.name,
        "summary": function.description,
        "tags": [function.task or "functions"],
        "parameters": [CHECK | {"description": f"Also call {function.check}."}]
        if function.check
        else [],
        "requestBody": {"required": True, "content": {JSON: {"schema": schema}}},
        "responses": {"200": _answer(_one(function), _many(function)), **_failures()},
    }


def _inputs(function: Function) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {each.name: _input(each) for each in function.arguments.values()},
        "required": [each.name for each in function.arguments.values() if each.is_required],
        "additionalProperties": False,
    }


def _input(argument: Argument) -> dict[str, Any]:
    described = {"description": argument.description} if argument.description else {}
    return nullable(argument.kind.schema()) | described


def _one(function: Function) -> dict[str, Any]:
    result = {
        "description": f"{function.returns or ''}: {function.returns_description}".strip(": ")
    }
    members = {"function": {"const": function.name}, "model_id": MODEL_ID, "result": result}
    return _object(members, "check" if function.check else None)


def _many(function: Function) -> dict[str, Any]:
    model: dict[str, Any] = {"model_id": MODEL_ID}
    if function.models_differ:
        model = {"model_ids": {"type": "array", "items": MODEL_ID}}
    results = {"type": "array", "description": "One result for each row, in the same order."}
    members = {"function": {"const": function.name}, **model, "results": results}
    return _object(members, "checks" if function.check else None)


def _object(members: dict[str, Any], check: str | None) -> dict[str, Any]:
    optional = {check: {"type": "array", "description": "With check=true."}} if check else {}
    return {"type": "object", "properties": members | optional, "required": [*members]}


def _answer(*schemas: dict[str, Any]) -> dict[str, Any]:
    schema = schemas[0] if len(schemas) == 1 else {"anyOf": [*schemas]}
    return {"description": "The answer.", "content": {JSON: {"schema": schema}}}


def _failures() -> dict[str, Any]:
    content = {"application/problem+json": {"schema": PROBLEM}}
    return {status: {"description": said, "content": content} for status, said in STATUSES.items()}


def _problem() -> dict[str, Any]:
    text = {"type": "string"}
    error = {"row": {"type": "integer"}, "input": text, "problem": text, "expected": text}
    return {
        "type": "object",
        "properties": {
            "type": text,
            "title": text,
            "status": {"type": "integer"},
            "detail": text,
            "sqlstate": text,
            "errors": {"type": "array", "items": {"type": "object", "properties": error}},
        },
        "required": ["type", "title", "status", "detail"],
    }


def _others() -> dict[str, Any]:
    return {
        "/sql": {"post": _sql()},
        "/functions": {"get": _get("All functions, with their inputs and models.")},
        "/functions/{function}": {
            "get": _get("One function.")
            | {
                "parameters": [
                    {
                        "name": "function",
                        "in": "path",
                        "required": True,
                        "schema": {"type": "string"},
                    }
                ]
            }
        },
        "/health": {"get": _get("Whether the process lives.") | {"security": []}},
        "/ready": {"get": _get("Whether a worker has the file open.") | {"security": []}},
        "/metrics": {
            "get": {
                "summary": "Numbers for Prometheus.",
                "responses": {
                    "200": {"description": "The numbers.", "content": {"text/plain": {}}}
                },
            }
        },
    }


def _get(summary: str) -> dict[str, Any]:
    return {"summary": summary, "responses": {"200": _answer({"type": "object"})}}


def _sql() -> dict[str, Any]:
    asked = {
        "type": "object",
        "properties": {
            "sql": {"type": "string", "description": "One SELECT."},
            "parameters": {"type": "array", "description": "The values of $1, $2 and so on."},
        },
        "required": ["sql"],
        "additionalProperties": False,
    }
    column = {"type": "object", "properties": {"name": {"type": "string"}, "type": {}}}
    rows = {
        "type": "object",
        "properties": {
            "columns": {"type": "array", "items": column},
            "rows": {"type": "array", "items": {"type": "array"}},
        },
        "required": ["columns", "rows"],
    }
    answer = _answer(rows)
    answer["content"][ARROW] = {}
    return {
        "summary": "Run one read-only query.",
        "requestBody": {"required": True, "content": {JSON: {"schema": asked}}},
        "responses": {"200": answer, **_failures()},
    }
