"""MCP over Streamable HTTP, without sessions: each POST stands for itself and is answered with one JSON object."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from starlette.types import Receive, Scope, Send

from mogplex.domain.access import Caller
from mogplex.domain.errors import ServiceUnavailable
from mogplex.mcp.calls import Calls
from mogplex.mcp.toolset import build_server

_calls: ContextVar[Calls] = ContextVar("mogplex_mcp_calls")
MAX_BODY_BYTES = 4 * 1024 * 1024


class McpDoor:
    """An ASGI application for requests whose caller is known already. Safe on one event loop."""

    def __init__(self, calls_of: Callable[[Caller], Calls], version: str) -> None:
        self._calls_of = calls_of
        self._version = version
        self._server: Any = None

    async def answer(self, caller: Caller, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises ServiceUnavailable where the library is not installed."""
        if importlib.util.find_spec("mcp") is None:
            raise ServiceUnavailable(
                "This server has no MCP: install it with pip install '.[mcp]' in Mogplex's checkout."
            )
        from mcp.server.transport_security import TransportSecuritySettings

        if self._server is None:
            self._server = build_server(_calls.get, self._version)
        # Who comes through here bears a key of ours, so it matters little under which host name.
        security = TransportSecuritySettings(enable_dns_rebinding_protection=False)
        app = self._server.streamable_http_app(
            streamable_http_path=scope["path"],
            json_response=True,
            stateless_http=True,
            max_request_body_size=MAX_BODY_BYTES,
            transport_security=security,
        )
        # The tools run in tasks that are made from here on, and so see who asks.
        _calls.set(self._calls_of(caller))
        async with self._server.session_manager.run():
            await app(scope, receive, send)
