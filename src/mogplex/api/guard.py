"""Around everything: a request's id, the headers every answer bears, and an answer for every error."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from dataclasses import dataclass, field

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mogplex.api import errors
from mogplex.domain.access import ORIGIN_KEY, Origin

SCOPE_KEY = "mogplex.exchange"
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
_log = logging.getLogger("mogplex.access")


@dataclass(slots=True)
class Exchange:
    """One request and its answer. `headers` are put on the answer whatever becomes of it."""

    request_id: str
    headers: dict[str, str] = field(default_factory=dict)
    key_id: str | None = None
    address: str | None = None  # of the connection; a proxy in front shows its own


def exchange_of(scope: Scope) -> Exchange:
    found: Exchange = scope[SCOPE_KEY]
    return found


def new_request_id() -> str:
    return "req_" + secrets.token_hex(12)


class Guard:
    """The outermost layer. The id is always our own: one that came from outside could be anybody's."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = Exchange(new_request_id(), address=(scope.get("client") or (None,))[0])
        scope[SCOPE_KEY] = exchange
        scope[ORIGIN_KEY] = Origin(exchange.address, exchange.request_id)
        status = 0
        began = time.monotonic()

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in ALWAYS.items():
                    headers.setdefault(name, value)
                for name, value in exchange.headers.items():
                    headers[name] = value
                headers["X-Request-Id"] = exchange.request_id
            elif scope["method"] == "HEAD" and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except ClientDisconnect:
            status = status or 499  # nobody is left to be told; only the log below sees this number
        except Exception as error:  # noqa: BLE001 - the last place that can answer: nothing leaves without envelope
            told = errors.explain(error, exchange.request_id)
            if status:
                return  # the head is out already; the server closes the connection, so that it reads as cut
            await errors.answer(told, exchange.request_id)(scope, receive, send_with_headers)
        except asyncio.CancelledError:
            status = status or 499  # shutdown or the client's going
            raise
        finally:
            _log.info(
                "%s %s %s %d %.1f ms %s",
                exchange.request_id,
                scope["method"],
                ascii(scope["path"])[:300],
                status,
                (time.monotonic() - began) * 1000,
                exchange.key_id or "-",
            )
