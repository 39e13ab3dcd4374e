"""The scripted model server: reads a request, finds its turn, plays it. `playback` does the sending."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter, deque
from pathlib import Path
from socket import socket
from typing import Self

from aiohttp import web

from mogplex.gateway.scripted.conversation import Asked
from mogplex.gateway.scripted.dialects import DIALECTS, Dialect, find_dialect
from mogplex.gateway.scripted.exchange import Exchange, ExchangeLog, visible_headers
from mogplex.gateway.scripted.playback import Playback
from mogplex.gateway.scripted.port import Port
from mogplex.gateway.scripted.reply import compose
from mogplex.gateway.scripted.scenario import ANSWERS, Fault, FaultKind, Scenario, Step

MAX_REQUEST_BYTES = 64 * 1024 * 1024
KEPT_EXCHANGES = 1000


class ScriptedModel:
    """`async with ScriptedModel(scenario) as model:` then use `model.url` and look at `model.exchanges`.

    `exchanges` holds the latest requests to the three protocols' paths, oldest first; others are only counted.
    """

    def __init__(
        self, scenario: Scenario, host: str = "127.0.0.1", port: int = 0, log_file: Path | None = None
    ) -> None:
        self.scenario = scenario
        self.exchanges: deque[Exchange] = deque(maxlen=KEPT_EXCHANGES)
        self._host, self._wanted_port = host, port
        self._log_file = log_file
        self._log: ExchangeLog | None = None
        self._port: Port | None = None
        self._served = 0
        self._faults: Counter[tuple[str, int]] = Counter()
        self._playback = Playback(scenario.chunk_characters)
        self._reopening: asyncio.Task[None] | None = None
        self._servers: list[asyncio.Server] = []
        app = web.Application(client_max_size=MAX_REQUEST_BYTES)
        app.router.add_route("*", "/{path:.*}", self._take)
        # A client that leaves ends its handler, and so its stall.
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.5)

    @property
    def port(self) -> int:
        assert self._port is not None, "the model is not started"
        return self._port.number

    @property
    def url(self) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self.port}"

    async def __aenter__(self) -> Self:
        """Raises OSError when the port is taken or the log can't be written."""
        self._port = Port(self._host, self._wanted_port)
        if self._log_file is not None:
            self._log = ExchangeLog(self._log_file, self.scenario.api_key)
        await self._runner.setup()
        first = self.scenario.at(0)
        if first is not None and _closes_port(first):
            self._reopen_after(first.fault)
        else:
            await self._open()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._playback.stop()
        if self._reopening is not None:
            self._reopening.cancel()
        for server in self._servers:
            server.close()
        if self._port is not None:
            self._port.close()
        await self._runner.cleanup()
        if self._log is not None:
            self._log.close()

    async def serve(self, listener: socket) -> None:
        """Serve this listening socket too, such as one that lies inside a sandbox. It is closed with the model."""
        assert self._runner.server is not None
        self._servers.append(await asyncio.get_running_loop().create_server(self._runner.server, sock=listener))

    async def _open(self) -> None:
        assert self._port is not None
        assert self._runner.server is not None
        await self._port.open(self._runner.server)

    async def _take(self, request: web.Request) -> web.StreamResponse:
        dialect = find_dialect(request.path) if request.method == "POST" else None
        if dialect is None:
            return self._answer_other(request)
        self._served += 1
        exchange = Exchange(self._served, time.time(), request.method, request.path, visible_headers(request.headers))
        exchange.protocol = dialect.protocol.value
        exchange.request_id = f"req_{self._served}"
        self.exchanges.append(exchange)
        try:
            return await self._play(request, dialect, exchange)
        except ConnectionError:  # the client has left in mid-answer, so there is nobody to tell
            return web.Response()
        finally:
            if self._log is not None:
                self._log.write(exchange)

    async def _play(self, request: web.Request, dialect: Dialect, exchange: Exchange) -> web.StreamResponse:
        raw = await request.read()
        try:
            body = json.loads(raw)
            exchange.body = dict(body)
            asked = dialect.read(body, exchange.headers)
        except (ValueError, TypeError, AttributeError) as error:
            return self._refuse(dialect, exchange, 400, f"The request body is no request of this protocol: {error}")
        exchange.model, exchange.stream, exchange.conversation = asked.model, asked.stream, asked.conversation
        if self.scenario.api_key is not None and self.scenario.api_key not in _keys_of(request):
            return self._refuse(dialect, exchange, 401, "The API key is wrong: the scenario names another one.")
        step = self.scenario.at(asked.index)
        if step is None:
            return self._refuse(dialect, exchange, 400, _over(self.scenario, asked.index))
        exchange.turn = step.number
        text = raw.decode("utf-8", "replace")
        exchange.missing = next((each for each in step.turn.expect if not _contains(text, each)), None)
        if exchange.missing is not None:
            message = f"The scenario expects {exchange.missing!r} in the request of turn {step.number}."
            return self._refuse(dialect, exchange, 400, message)
        fault = self._due(step, asked)
        exchange.fault = None if fault is None else str(fault)
        closing = self._close_port_before(asked.index + 1)
        reply = compose(self.scenario, Step(step.number, step.turn, fault), asked, exchange.number, len(raw))
        return await self._playback.play(request, dialect, asked, reply, step.turn, fault, exchange, closing)

    def _due(self, step: Step, asked: Asked) -> Fault | None:
        """The step's fault, unless it has happened often enough to this turn of this conversation."""
        fault = step.fault
        if fault is None or fault.kind in ANSWERS:
            return fault
        if fault.kind is FaultKind.REFUSED:
            return None  # who gets here was let in again
        self._faults[asked.conversation, asked.index] += 1
        if fault.times is not None and self._faults[asked.conversation, asked.index] > fault.times:
            return None
        return fault

    def _close_port_before(self, index: int) -> bool:
        """Close the port if the next turn is to be refused: before this answer ends, so that nobody is quicker."""
        step = self.scenario.at(index)
        if step is None or not _closes_port(step) or self._port is None or not self._port.is_open:
            return False
        self._port.shut()
        self._reopen_after(step.fault)
        return True

    def _reopen_after(self, fault: Fault | None) -> None:
        if fault is not None and fault.seconds is not None:
            self._reopening = asyncio.create_task(self._reopen(fault.seconds))

    async def _reopen(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._open()

    def _refuse(self, dialect: Dialect, exchange: Exchange, status: int, message: str) -> web.Response:
        exchange.status, exchange.whole = status, True
        return web.json_response(dialect.failure(status, message), status=status)

    def _answer_other(self, request: web.Request) -> web.Response:
        """Everything around model calls: which models there are, whether anybody is there, counting tokens."""
        if request.path.rstrip("/").endswith("/models"):
            model = {"id": self.scenario.model, "object": "model", "type": "model", "owned_by": "scenario"}
            return web.json_response({"object": "list", "data": [model], "has_more": False})
        if request.path.endswith("/count_tokens"):
            return web.json_response({"input_tokens": max(1, (request.content_length or 4) // 4)})
        if request.headers.get("upgrade", "").lower() == "websocket":
            return web.Response(status=426, text="WebSockets are not spoken here; POST instead.")
        if request.method == "HEAD" or request.path == "/":
            return web.Response(text=f"scripted model, scenario {self.scenario.name}\n")
        served = ", ".join(f"…{dialect.suffix}" for dialect in DIALECTS)
        message = f"{request.method} {request.path} is not served; POST to {served}."
        return web.json_response({"error": {"message": message, "type": "not_found_error"}}, status=404)


def _closes_port(step: Step) -> bool:
    return step.fault is not None and step.fault.kind is FaultKind.REFUSED


def _keys_of(request: web.Request) -> set[str]:
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    found = {request.headers.get("x-api-key", ""), request.headers.get("api-key", "")}
    return found | ({bearer.strip()} if scheme.lower() == "bearer" else set())


def _over(scenario: Scenario, index: int) -> str:
    turns = "1 turn" if len(scenario.turns) == 1 else f"{len(scenario.turns)} turns"
    return (
        f"The scenario {scenario.name!r} is over: it has {turns} and this conversation asks for answer {index + 1}. "
        "Add a turn, or `repeat: forever` to the last one."
    )


def _contains(text: str, wanted: str) -> bool:
    """Whether a request holds a text, as it is or escaped as in JSON."""
    return wanted in text or json.dumps(wanted)[1:-1] in text or json.dumps(wanted, ensure_ascii=False)[1:-1] in text
