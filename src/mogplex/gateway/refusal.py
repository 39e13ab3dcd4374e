"""Answers that the gateway gives itself, in the words that each protocol's clients understand."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from mogplex.domain.model import ModelProtocol

# Tells clients of both families not to try again.
STOP_TRYING = {"x-should-retry": "false"}


def refuse(protocol: ModelProtocol | None, status: int, kind: str, message: str, *, retry: bool = True) -> web.Response:
    """`kind` is the machine's word for it: OpenAI's `code`, Anthropic's error `type`."""
    if protocol is ModelProtocol.MESSAGES:
        body: dict[str, Any] = {"type": "error", "error": {"type": kind, "message": message}}
    else:
        body = {"error": {"message": message, "type": kind, "param": None, "code": kind}}
    text = json.dumps(body)
    headers = {} if retry else STOP_TRYING
    return web.Response(status=status, text=text, content_type="application/json", headers=headers)


def refuse_for_budget(protocol: ModelProtocol, message: str) -> web.Response:
    """claude stops at once at 402 and keeps our words; codex does so at 400 only."""
    if protocol is ModelProtocol.MESSAGES:
        return refuse(protocol, 402, "billing_error", message, retry=False)
    return refuse(protocol, 400, "budget_exceeded", message, retry=False)


def refuse_model(protocol: ModelProtocol, message: str) -> web.Response:
    kind = "not_found_error" if protocol is ModelProtocol.MESSAGES else "model_not_found"
    return refuse(protocol, 404, kind, message, retry=False)


def list_models(names: list[str]) -> web.Response:
    """`GET …/models`: what this run may ask, in a shape that both families read."""
    data = [{"id": name, "object": "model", "type": "model", "display_name": name, "owned_by": "run"} for name in names]
    body = {"object": "list", "data": data, "has_more": False, "first_id": names[0], "last_id": names[-1]}
    return web.json_response(body)
