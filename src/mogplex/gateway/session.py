"""The gateway as one attempt sees it: a small HTTP server that knows whose calls come in, and counts them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from socket import socket

import aiohttp
from aiohttp import web

from mogplex.domain.model import ModelEndpoint
from mogplex.domain.model_call import CALL_FAULT_MEANING, CallFault, ModelCall
from mogplex.domain.ports import ModelEar
from mogplex.gateway.asked import Asked, Route, route_of
from mogplex.gateway.claim import claim_of
from mogplex.gateway.exchange import Exchange
from mogplex.gateway.intake import BodyTooLong, Intake
from mogplex.gateway.meter import Claim, Meter
from mogplex.gateway.prices import is_priced, tell_unpriced
from mogplex.gateway.provider import ModelPlan, Target
from mogplex.gateway.refusal import list_models, refuse, refuse_for_budget, refuse_model
from mogplex.gateway.replay import Replay
from mogplex.gateway.upstream import Question, Upstream

log = logging.getLogger(__name__)

MAX_HEADER_BYTES = 64 * 1024
CLOSE_SECONDS = 0.1  # for idle connections to be closed
_NO_MODEL = "The body must be a JSON object with a model, that says nothing twice."

# What is done with a call that is over: (the call, the exchange it was).
Keep = Callable[[ModelCall, Exchange], None]


class Session:
    """`open`, `serve` as many listeners as there are, `close`: then every call was told to the ear."""

    def __init__(
        self,
        plan: ModelPlan,
        endpoint: ModelEndpoint,
        meter: Meter,
        ear: ModelEar,
        *,
        keep: Keep | None = None,
        replay: Replay | None = None,
    ) -> None:
        """`keep` is called after each call; `replay` takes the provider's place."""
        self.endpoint = endpoint
        self.fault: str | None = None
        self._plan = plan
        self._meter = meter
        self._ear = ear
        self._keep = keep
        self._replay = replay
        self._intake = Intake()
        self._listening: list[asyncio.Task[None]] = []
        self._calling: set[asyncio.Task[object]] = set()

    async def open(self) -> None:
        connector = aiohttp.TCPConnector(limit=0, ttl_dns_cache=60)
        jar = aiohttp.DummyCookieJar()
        self._client = aiohttp.ClientSession(
            connector=connector, auto_decompress=False, cookie_jar=jar, max_field_size=MAX_HEADER_BYTES
        )
        self._upstream = Upstream(self._client, self._ear.tell)
        # A harness that goes away must not leave the provider at work for nobody.
        self._server = web.Server(
            self._handle, handler_cancellation=True, access_log=None, max_field_size=MAX_HEADER_BYTES
        )

    def serve(self, listener: socket) -> None:
        listener.setblocking(False)
        self._listening.append(asyncio.create_task(self._listen(listener), name="model gateway"))

    async def close(self) -> None:
        """Cut off what is under way; it is told as abandoned."""
        for task in self._listening:
            task.cancel()
        await asyncio.gather(*self._listening, return_exceptions=True)
        for call in self._calling:
            call.cancel()
        await asyncio.gather(*self._calling, return_exceptions=True)
        await self._server.shutdown(CLOSE_SECONDS)
        await self._client.close()

    async def _listen(self, listener: socket) -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(self._server, sock=listener)
        try:
            await asyncio.Event().wait()
        finally:
            server.close()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self._ear.touch()
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return web.Response(status=426, text="Only plain HTTP is spoken here.", headers={"Upgrade": "HTTP/1.1"})
        if request.method in ("GET", "HEAD"):
            return self._answer_locally(request)
        route = route_of(request.path)
        if route is None or request.method != "POST":
            return refuse(None, 404, "not_found", f"{request.method} {request.path} is not served here.", retry=False)
        try:
            async with self._intake.take(request, route.protocol) as asked:
                return await self._answer(request, route, asked)
        except BodyTooLong as fault:
            return refuse(route.protocol, 413, "request_too_large", str(fault), retry=False)

    async def _answer(self, request: web.BaseRequest, route: Route, asked: Asked | None) -> web.StreamResponse:
        if asked is None:
            return refuse(route.protocol, 400, "invalid_request_error", _NO_MODEL, retry=False)
        question = Question(route, asked, list(request.headers.items()), request.rel_url.raw_query_string)
        targets = self._targets_for(route, asked)
        if not targets:
            return self._refuse_model(route, asked)
        if self._replay is not None:
            return await self._play_again(question, self._replay)
        feature = next((name for name in asked.features if not all(name in t.provider.allow for t in targets)), None)
        if feature is not None:
            return self._refuse_feature(route, feature)
        if not route.is_call:
            return await self._pass(request, question, targets)
        return await self._call(request, question, targets)

    async def _call(self, request: web.BaseRequest, question: Question, targets: list[Target]) -> web.StreamResponse:
        task = asyncio.current_task()
        assert task is not None
        self._calling.add(task)
        try:
            return await self._call_if_admitted(request, question, targets)
        finally:
            self._calling.discard(task)

    async def _call_if_admitted(
        self, request: web.BaseRequest, question: Question, targets: list[Target]
    ) -> web.StreamResponse:
        exchange = Exchange(question, targets, self._ear.touch)
        refusal = self._unpriced(targets)
        if refusal is None:
            claim = claim_of(question.asked, targets)
            refusal = await self._meter.admit(exchange, claim, exchange.told_call)
        if refusal is not None:
            self._ear.refuse(refusal)
            return refuse_for_budget(question.route.protocol, refusal)
        if self._keep is not None:
            exchange.tap = []
        try:
            return await exchange.play(request, self._upstream)
        finally:
            self._end(exchange)

    async def _play_again(self, question: Question, replay: Replay) -> web.StreamResponse:
        protocol = question.route.protocol
        if not question.route.is_call:
            return refuse(protocol, 404, "not_found", "Recordings hold model calls only.", retry=False)
        refusal = self._meter.refusal()
        if refusal is not None:
            self._ear.refuse(refusal)
            return refuse_for_budget(protocol, refusal)
        exchange = replay.take(question)
        self._meter.begin(exchange, lambda: None, Claim(0, 0.0))
        self._tell(exchange, exchange.as_call())
        return exchange.answer()

    def _end(self, exchange: Exchange) -> None:
        call = exchange.as_call()
        self._tell(exchange, call)
        if self._keep is not None:
            self._keep(call, exchange)

    def _tell(self, exchange: object, call: ModelCall) -> None:
        if call.fault is None:
            self.fault = None
        elif call.fault is not CallFault.ABANDONED:  # that one tells nothing about the model
            said = f" ({call.http_status})" if call.fault is CallFault.REFUSED else ""
            why = f"{CALL_FAULT_MEANING[call.fault]}{said}" + (f": {call.detail}" if call.detail else "")
            self.fault = f"Model {call.model} at {call.provider}: {why}"
        self._ear.tell_call(call)
        for warning in self._meter.end(exchange, call):
            self._ear.tell(warning)

    async def _pass(self, request: web.BaseRequest, question: Question, targets: list[Target]) -> web.StreamResponse:
        """What is no model call (counting tokens, say) goes there and back uncounted."""
        return await Exchange(question, targets, self._ear.touch).play(request, self._upstream)

    def _targets_for(self, route: Route, asked: Asked) -> list[Target]:
        """Where the call may go, the model that was asked first. A run reaches its own models only."""
        fitting = [each for each in self._plan.targets if route.protocol in each.provider.protocols]
        if not any(each.model == asked.model for each in fitting):
            return []
        return sorted(fitting, key=lambda each: each.model != asked.model)

    def _unpriced(self, targets: list[Target]) -> str | None:
        if not self._meter.counts_dollars:
            return None
        unknown = next((each for each in targets if not is_priced(each)), None)
        if unknown is None:
            return None
        return f"{tell_unpriced(unknown)} Give its price in mogplex.toml, or limit tokens."

    def _refuse_model(self, route: Route, asked: Asked) -> web.StreamResponse:
        names = ", ".join(dict.fromkeys(each.model for each in self._plan.targets))
        message = f"This run may ask {names} by {self._plan.protocol}, not {asked.model[:200]} by {route.protocol}."
        self.fault = message
        return refuse_model(route.protocol, message)

    def _refuse_feature(self, route: Route, feature: str) -> web.StreamResponse:
        message = (
            f"The request uses {feature[:100]!r}: a provider would do that outside the sandbox and the budget. "
            "If it may, name it in the provider's allow in mogplex.toml (docs/models.md)."
        )
        self.fault = message
        return refuse(route.protocol, 400, "invalid_request_error", message, retry=False)

    def _answer_locally(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path.rstrip("/").endswith("/models"):
            return list_models(list(dict.fromkeys(each.model for each in self._plan.targets)))
        if request.method == "HEAD" or request.path == "/":
            return web.Response(status=200)
        return refuse(None, 404, "not_found", f"{request.path} is not served here.", retry=False)
