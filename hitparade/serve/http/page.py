"""The page /docs: plain HTML, without scripts, so that it loads nothing from elsewhere."""

import json
from html import escape
from typing import Any

from hitparade.serve.http.functions import Argument, Catalog, Function
from hitparade.serve.http.kinds import Boolean, Date, Integer, ListOf, Number, Text

POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; } td, th { text-align: left; padding: .2rem 1rem .2rem 0; }
td { vertical-align: top; border-top: 1px solid #ddd; }
pre, code { font-size: 14px; background: #f4f4f4; } pre { padding: .6rem; overflow-x: auto; }
@media (prefers-color-scheme: dark) {
  body { background: #181818; color: #ddd; } pre, code { background: #262626; } a { color: #8bf; }
  td { border-color: #444; }
}
"""
EXAMPLES: dict[type, Any] = {
    Boolean: False,
    Date: "2023-01-31",
    Integer: 5,
    Number: 0.5,
    Text: "...",
}


def page(catalog: Catalog) -> str:
    """Return the page of a catalog."""
    links = " · ".join(
        f'<a href="#{escape(name)}">{escape(name)}</a>' for name in catalog.functions
    )
    sections = "".join(map(_section, catalog.functions.values()))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>hitparade</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>'
        f"<h1>hitparade</h1><p>The functions of the file of {escape(catalog.file)}. "
        f'<a href="openapi.json">OpenAPI</a> · <a href="functions">JSON</a></p>'
        f"<p><code>POST /predict/NAME</code> takes one object of inputs, a list of them, or "
        f'<code>{{"rows": [...]}}</code>. Inputs may be null.</p><p>{links}</p>'
        f"{sections}</body></html>"
    )


def _section(function: Function) -> str:
    facts = [f"Returns <code>{escape(function.returns or '')}</code>: "]
    facts.append(escape(function.returns_description))
    if function.model_id:
        facts.append(f"<br>Model <code>{escape(function.model_id)}</code>")
    for algorithm, model_id in function.by_algorithm.items():
        facts.append(f"<br>Model of {escape(algorithm)}: <code>{escape(model_id)}</code>")
    if function.check:
        name = escape(function.check)
        facts.append(f'<br><code>?check=true</code> also calls <a href="#{name}">{name}</a>')
    rows = "".join(map(_row, function.arguments.values()))
    name = escape(function.name)
    return (
        f'<h2 id="{name}">{name}</h2><p>{escape(function.description)}</p>'
        f"<table><tr><th>input</th><th>type</th><th>meaning</th></tr>{rows}</table>"
        f"<p>{''.join(facts)}</p><pre>{escape(_example(function))}</pre>"
    )


def _row(argument: Argument) -> str:
    optional = "" if argument.is_required else " Optional."
    return (
        f"<tr><td><code>{escape(argument.name)}</code></td>"
        f"<td>{escape(argument.kind.duckdb)}</td>"
        f"<td>{escape(argument.description)}{optional}</td></tr>"
    )


def _example(function: Function) -> str:
    inputs = {each.name: _value(each) for each in function.arguments.values() if each.is_required}
    return f"POST /predict/{function.name}\n{json.dumps(inputs)}"


def _value(argument: Argument) -> Any:
    kind = argument.kind
    if isinstance(kind, ListOf):
        return [EXAMPLES.get(type(kind.element), 0)]
    return EXAMPLES.get(type(kind), {})
