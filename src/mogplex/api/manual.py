"""`/docs`: the OpenAPI document as one plain page that loads nothing from anywhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import Any

CONTENT_SECURITY_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
code, pre { font: 14px/1.4 ui-monospace, monospace; } pre { overflow-x: auto; padding: .75rem; background: #8881; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; vertical-align: top; padding: .2rem .6rem;
border-bottom: 1px solid #8884; } summary { cursor: pointer; padding: .4rem 0; } .method { display: inline-block;
min-width: 4.5rem; font-weight: 700; } section { margin-left: 1.2rem; } h2 { margin-top: 2rem; }
@media (prefers-color-scheme: dark) { body { background: #16181d; color: #dde; } a { color: #8bf; } }
"""


def render(document: Mapping[str, Any]) -> str:
    """The page's HTML. Everything from the document is escaped."""
    info = document["info"]
    by_tag: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            by_tag.setdefault(operation["tags"][0], []).append(_operation(method, path, operation))
    parts = [f"<h2>{escape(tag)}</h2>{''.join(operations)}" for tag, operations in by_tag.items()]
    schemas = "".join(_schema(name, schema) for name, schema in document["components"]["schemas"].items())
    return (
        "<!doctype html><html lang=en><head><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{escape(info['title'])} API</title><style>{_STYLE}</style></head><body>"
        f"<h1>{escape(info['title'])} API <small>{escape(info['version'])}</small></h1>"
        f"<p>{escape(info['description'])} Machines read <a href=/openapi.json>openapi.json</a>.</p>"
        "<p>Send <code>Authorization: Bearer mog_…</code> with every request below <code>/api/v1</code>.</p>"
        f"{''.join(parts)}<h2>Shapes</h2>{schemas}</body></html>"
    )


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(each['name'])}</code><td>{escape(each['in'])}"
        f"<td>{'required' if each['required'] else ''}<td>{escape(each['description'])}"
        for each in operation.get("parameters", ())
    )
    parameters = f"<table><tr><th>parameter<th>in<th><th>meaning{rows}</table>" if rows else ""
    answers = "".join(
        f"<tr><td>{escape(status)}<td>{_name_answer(answer)}" for status, answer in operation["responses"].items()
    )
    body = ""
    if "requestBody" in operation:
        name = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        body = f"<p>Body: <a href='#{escape(name)}'>{escape(name)}</a></p>"
    return (
        f"<details><summary><span class=method>{escape(method.upper())}</span><code>{escape(path)}</code> "
        f"{escape(operation['summary'])}</summary><section><p>{escape(operation.get('description', ''))}</p>{body}"
        f"{parameters}<table><tr><th>status<th>answer{answers}</table></section></details>"
    )


def _name_answer(answer: Mapping[str, Any]) -> str:
    if "$ref" in answer:
        return escape(answer["$ref"].rpartition("/")[2])
    return escape(answer["description"])


def _schema(name: str, schema: Mapping[str, Any]) -> str:
    shown = escape(json.dumps(schema, indent=2, ensure_ascii=False))
    return f"<details id='{escape(name)}'><summary><code>{escape(name)}</code></summary><pre>{shown}</pre></details>"
