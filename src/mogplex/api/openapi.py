"""The OpenAPI document, written from the same table that serves the requests."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from mogplex.api.admitted import Neighbour
from mogplex.api.hooks import GITHUB_MESSAGE, describe_hook
from mogplex.api.model_schemas import MODELS
from mogplex.api.query import Parameter
from mogplex.api.report_schemas import REPORTS
from mogplex.api.route import Route, Success
from mogplex.api.schemas import ANSWERS
from mogplex.api.shapes import ref, shape
from mogplex.domain.bodies import BODIES

Document = dict[str, Any]

_REFUSALS = {
    400: ("BadRequest", "Something in the request is wrong; `details` names each field."),
    401: ("Unauthorized", "The key is missing, malformed, unknown, expired or revoked."),
    403: ("Forbidden", "The key lacks the scope, or may not do this."),
    404: ("NotFound", "It does not exist, or the key may not see it."),
    405: ("MethodNotAllowed", "The path has no such method; `Allow` lists those it has."),
    409: ("Conflict", "It does not fit the present state, or the idempotency key was used for another request."),
    413: ("TooLarge", "The body has more than 10 MiB."),
    415: ("NotJson", "The body is not JSON in UTF-8, or is compressed."),
    429: ("RateLimited", "Too many requests or starts, or the queue is full; wait `Retry-After` seconds."),
    500: ("InternalError", "A fault of the server; its log has the cause under the request's id."),
    503: ("Unavailable", "The database or something else can't be reached; wait `Retry-After` seconds."),
}
_HEADERS: Document = {
    "X-Request-Id": {"description": "Names this request in the server's log.", "schema": {"type": "string"}},
    "X-RateLimit-Limit": {"description": "Requests a minute that the key may make.", "schema": {"type": "integer"}},
    "X-RateLimit-Remaining": {"description": "Requests left now.", "schema": {"type": "integer"}},
    "X-RateLimit-Reset": {
        "description": "When the oldest counted request is forgotten, in seconds since 1970.",
        "schema": {"type": "integer"},
    },
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}},
    "WWW-Authenticate": {"description": "`Bearer`.", "schema": {"type": "string"}},
    "Allow": {"description": "The methods there are.", "schema": {"type": "string"}},
}
_ON_ANY = ("X-Request-Id", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


def describe(routes: Sequence[Route], version: str, neighbours: Sequence[Neighbour] = ()) -> Document:
    """The whole document, OpenAPI 3.1. What neighbours say to each other is described elsewhere."""
    paths: Document = {}
    for route in routes:
        paths.setdefault(document_path(route.path), {})[route.method.lower()] = _operation(route)
    for each in neighbours:
        paths[document_path(each.path)] = {"post": _neighbour_operation(each)}
    paths.update(describe_hook())
    paths.update(_open_paths())
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Mogplex",
            "version": version,
            "description": "Start runs of coding agents, follow them, and trust their final status.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "An API key: `mog_…` (50 characters)."}
            },
            "headers": _HEADERS,
            "schemas": {**ANSWERS, **MODELS, **REPORTS, **BODIES, "GitHubMessage": GITHUB_MESSAGE},
            "responses": {name: _refusal(status, text) for status, (name, text) in _REFUSALS.items()},
        },
    }


def document_path(path: str) -> str:
    """`/runs/{run_id}` → `/runs/{runId}`; `{repo_id:path}` → `{repoId}`."""

    def rename(found: re.Match[str]) -> str:
        head, *rest = found.group(1).split("_")
        return "{" + head + "".join(part.title() for part in rest) + "}"

    return re.sub(r"\{(\w+)(?::path)?\}", rename, path)


def _operation(route: Route) -> Document:
    needed = f"Needs a key with the scope `{route.needs}`." if route.needs else "Any key will do."
    operation: Document = {
        "operationId": route.name,
        "summary": route.summary,
        "description": needed,
        "tags": [document_path(route.path).split("/")[4]],
        "parameters": [_parameter(each) for each in route.parameters],
        "responses": _responses(route),
    }
    if route.body:
        operation["requestBody"] = {
            "required": not route.body_optional,
            "content": {"application/json": {"schema": ref(route.body)}},
        }
    return operation


def _parameter(parameter: Parameter) -> Document:
    schema: Document = dict(parameter.schema)
    if parameter.repeats:
        schema = {"type": "array", "items": schema}
    return {
        "name": parameter.name,
        "in": parameter.where,
        "required": parameter.required,
        "description": parameter.description,
        "schema": schema,
    }


def _responses(route: Route) -> Document:
    found = {str(each.status): _success(each) for each in route.successes}
    for status in sorted({400, 401, 405, 429, 500, 503, *route.refusals, *_refusals_of_kind(route)}):
        found[str(status)] = {"$ref": f"#/components/responses/{_REFUSALS[status][0]}"}
    return found


def _neighbour_operation(neighbour: Neighbour) -> Document:
    good = {
        "description": "An answer of that protocol.",
        "headers": _header_refs(_ON_ANY),
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
    refusals = {
        str(status): {"$ref": f"#/components/responses/{_REFUSALS[status][0]}"}
        for status in (400, 401, 404, 405, 413, 429, 500, 503)
    }
    return {
        "operationId": neighbour.name,
        "summary": neighbour.summary,
        "description": "Any key will do; each tool needs the scope that it says.",
        "tags": [neighbour.path.rsplit("/", 1)[1]],
        "parameters": [],
        "responses": {"200": good, "202": good, **refusals},
    }


def _refusals_of_kind(route: Route) -> set[int]:
    kinds: set[int] = set()
    if route.needs is not None:
        kinds.add(403)
    if route.has_body:
        kinds |= {413, 415}
    return kinds


def _success(success: Success) -> Document:
    answer: Document = {"description": success.description, "headers": _header_refs(_ON_ANY)}
    if success.status != 204:
        answer["content"] = {kind: {"schema": _content(kind, success.schema)} for kind in success.media_types}
    return answer


def _content(kind: str, schema: str | None) -> Document:
    if kind == "application/json" and schema:
        return shape(ok={"const": True}, data=ref(schema))
    return {"type": "string"}


def _refusal(status: int, text: str) -> Document:
    special = {401: ("WWW-Authenticate",), 405: ("Allow",), 429: ("Retry-After",), 503: ("Retry-After",)}
    return {
        "description": text,
        "headers": _header_refs(("X-Request-Id", *special.get(status, ()))),
        "content": {"application/json": {"schema": ref("Error")}},
    }


def _header_refs(names: Sequence[str]) -> Document:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _open_paths() -> Document:
    """Paths outside the versioned API; no key is needed."""
    listed = (
        ("/healthz", "getHealth", "Tell whether the process answers", "application/json"),
        ("/readyz", "getReadiness", "Tell whether work can be done", "application/json"),
        ("/metrics", "getMetrics", "Tell numbers in Prometheus' text format", "text/plain"),
        ("/openapi.json", "getOpenApi", "This document", "application/json"),
        ("/docs", "getDocs", "This document as a page", "text/html"),
    )
    paths: Document = {}
    for path, name, summary, kind in listed:
        schema = {"type": "object"} if kind == "application/json" else {"type": "string"}
        good = {
            "description": summary,
            "headers": _header_refs(("X-Request-Id",)),
            "content": {kind: {"schema": schema}},
        }
        responses: Document = {"200": good, "405": {"$ref": "#/components/responses/MethodNotAllowed"}}
        if path in ("/readyz", "/metrics"):
            responses["503"] = {"$ref": "#/components/responses/Unavailable"}
        paths[path] = {
            "get": {
                "operationId": name,
                "summary": summary,
                "tags": ["server"],
                "security": [],
                "responses": responses,
            }
        }
    return paths
