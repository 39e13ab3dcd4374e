"""Sends an answer: at once or as a stream, whole or with the fault of its turn."""

from __future__ import annotations

import asyncio
import socket
import struct

from aiohttp import web

from mogplex.gateway.scripted.conversation import Asked
from mogplex.gateway.scripted.dialects import Dialect
from mogplex.gateway.scripted.exchange import Exchange
from mogplex.gateway.scripted.reply import Reply
from mogplex.gateway.scripted.scenario import Fault, FaultKind, Turn

MESSAGES = {
    400: "The scenario refuses this request.",
    401: "Incorrect API key provided.",
    402: "The credit of this account is used up.",
    403: "This key may not use this model.",
    404: "The model does not exist.",
    429: "Rate limit reached.",
    529: "Overloaded.",
}
BROKEN_STREAM = frozenset({FaultKind.CUT, FaultKind.END_EARLY, FaultKind.ERROR_EVENT, FaultKind.STALL})


class Playback:
    """Plays replies. `stop()` ends every stall and silence that goes on."""

    def __init__(self, chunk_characters: int) -> None:
        self._size = chunk_characters
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        self._stopped.set()

    async def play(
        self,
        request: web.Request,
        dialect: Dialect,
        asked: Asked,
        reply: Reply,
        turn: Turn,
        fault: Fault | None,
        exchange: Exchange,
        closing: bool,
    ) -> web.StreamResponse:
        """Answer `request`. `closing` ends the connection with the answer, so that the client has to connect again."""
        await self._pause(turn.wait_seconds)
        if fault is not None and fault.kind is FaultKind.HTTP:
            return _fail(dialect, fault, exchange)
        if fault is not None and fault.kind is FaultKind.RESET:
            return _reset(request)
        if fault is not None and fault.kind is FaultKind.SILENCE:
            await self._hold(fault)
            return _drop(request)
        exchange.usage = reply.usage
        headers = {dialect.id_header: exchange.request_id or ""}
        if asked.stream:
            return await self._stream(request, dialect, asked, reply, turn, fault, exchange, headers, closing)
        if fault is not None and fault.kind in BROKEN_STREAM:
            return await self._break_answer(request, dialect, fault, exchange)
        exchange.status, exchange.usage_sent, exchange.whole = 200, True, True
        response = web.json_response(dialect.answer(reply), headers=headers)
        if closing:
            response.force_close()
        return response

    async def _stream(
        self,
        request: web.Request,
        dialect: Dialect,
        asked: Asked,
        reply: Reply,
        turn: Turn,
        fault: Fault | None,
        exchange: Exchange,
        headers: dict[str, str],
        closing: bool,
    ) -> web.StreamResponse:
        events = list(dialect.stream(reply, self._size, asked.wants_usage))
        broken = fault is not None and fault.kind in BROKEN_STREAM
        count = len(events)
        if broken and fault is not None:  # at least the first event is sent, and never those that say how it ended
            count = max(1, min(count - dialect.last_events, round(count * fault.after)))
        response = web.StreamResponse(headers={**headers, "Cache-Control": "no-cache"})
        response.content_type = "text/event-stream"
        if closing:
            response.force_close()
        exchange.status = 200
        await response.prepare(request)
        for number, event in enumerate(events[:count]):
            if number and turn.pace_seconds:
                await self._pause(turn.pace_seconds)
            await response.write(event)
        if fault is None or not broken:
            exchange.usage_sent, exchange.whole = asked.wants_usage, True
            await response.write_eof()
        elif fault.kind is FaultKind.ERROR_EVENT:
            await response.write(dialect.error_event(fault.message or MESSAGES[529], reply))
            await response.write_eof()
        elif fault.kind is FaultKind.END_EARLY:
            await response.write_eof()
        else:
            if fault.kind is FaultKind.STALL:
                await self._hold(fault)
            _drop(request)
        return response

    async def _break_answer(
        self, request: web.Request, dialect: Dialect, fault: Fault, exchange: Exchange
    ) -> web.StreamResponse:
        """What a broken stream is to a client that did not ask for one: a failure before the answer."""
        if fault.kind is FaultKind.ERROR_EVENT:
            return _fail(dialect, fault, exchange)
        if fault.kind is FaultKind.STALL:
            await self._hold(fault)
        return _drop(request)

    async def _hold(self, fault: Fault) -> None:
        """Do nothing until the fault is over, the client has left or the server stops."""
        try:
            await asyncio.wait_for(self._stopped.wait(), fault.seconds)
        except TimeoutError:
            return

    async def _pause(self, seconds: float) -> None:
        if seconds:
            await asyncio.sleep(seconds)


def _fail(dialect: Dialect, fault: Fault, exchange: Exchange) -> web.Response:
    headers = {dialect.id_header: exchange.request_id or "", **fault.headers}
    if fault.retry_after is not None:
        headers["Retry-After"] = fault.retry_after
    exchange.status, exchange.whole = fault.status, True
    if fault.body is not None:
        return web.Response(status=fault.status, text=fault.body, content_type="text/html", headers=headers)
    message = fault.message or MESSAGES.get(fault.status, "The server had an error while it processed this request.")
    return web.json_response(dialect.failure(fault.status, message, fault.code), status=fault.status, headers=headers)


def _reset(request: web.Request) -> web.Response:
    """Answer with a reset connection: no lingering, so the kernel sends RST in place of FIN."""
    if request.transport is not None:
        connection = request.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()
    return web.Response()  # goes nowhere


def _drop(request: web.Request) -> web.Response:
    """Close the connection without the end of the answer."""
    if request.transport is not None:
        request.transport.close()
    return web.Response()  # goes nowhere
