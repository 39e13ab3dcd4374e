"""`POST /hooks/github`: open to anybody, believed only when it is signed with the secret of a repo."""

from __future__ import annotations

from typing import Any

from anyio import to_thread
from starlette.datastructures import Headers
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from mogplex.api.body import read_body
from mogplex.api.envelope import succeed
from mogplex.api.guard import exchange_of
from mogplex.api.vocabulary import BASE
from mogplex.domain.errors import BadRequest
from mogplex.service.hooks import Hooks, Message, Receipt

PATH = f"{BASE}/hooks/github"
MAX_MESSAGE_BYTES = 2 * 1024 * 1024
GITHUB_MESSAGE: dict[str, Any] = {
    "type": "object",
    "description": "A webhook's payload as GitHub sends it; fields that are not needed are not looked at.",
    "properties": {"action": {"type": "string"}, "repository": {"type": "object"}},
}
_REFUSALS = {
    400: "BadRequest",
    401: "Unauthorized",
    405: "MethodNotAllowed",
    413: "TooLarge",
    415: "NotJson",
    503: "Unavailable",
}
_HEADERS = {
    "X-GitHub-Event": "What has happened.",
    "X-GitHub-Delivery": "The message's id: a repetition of it starts nothing.",
    "X-Hub-Signature-256": "`sha256=` and the HMAC of the body with the repo's secret.",
}


class HookEndpoint:
    """Answers at once; what the message asks for is done afterwards."""

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            exchange_of(scope).headers["Allow"] = "POST"
            raise BadRequest(f"{scope['method'][:20]} is not possible here; possible is POST.", http_status=405)
        headers = Headers(scope=scope)
        raw = await read_body(headers, receive, MAX_MESSAGE_BYTES)
        message = Message(
            headers.get("X-GitHub-Event", ""),
            headers.get("X-GitHub-Delivery", ""),
            headers.get("X-Hub-Signature-256", ""),
            raw,
        )
        receipt: Receipt = await to_thread.run_sync(self._hooks.receive, message)
        status = 202 if receipt.status == "accepted" else 200
        await succeed({"status": receipt.status, "reason": receipt.reason}, status)(scope, receive, send)


def describe_hook() -> dict[str, Any]:
    """The path in the OpenAPI document."""
    good = {
        "description": "Accepted, ignored, taken before, or heard; `reason` says why.",
        "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}},
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/HookReceipt"}}},
    }
    refused = {str(status): {"$ref": f"#/components/responses/{name}"} for status, name in _REFUSALS.items()}
    parameters = [
        {"name": name, "in": "header", "required": True, "description": text, "schema": {"type": "string"}}
        for name, text in _HEADERS.items()
    ]
    schema = {"$ref": "#/components/schemas/GitHubMessage"}
    operation = {
        "operationId": "receiveGitHub",
        "summary": "Take a message of GitHub: a failed workflow, a label or a comment starts a run",
        "tags": ["hooks"],
        "security": [],
        "parameters": parameters,
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "responses": {"200": good, "202": good, **refused},
    }
    return {PATH: {"post": operation}}
