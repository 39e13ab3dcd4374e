"""One attempt's door to the models, with an ear that remembers, and a harness of a few lines."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import aiohttp

from mogplex.domain.budget import Budget
from mogplex.domain.event import EventDraft, EventType
from mogplex.domain.model import ModelEndpoint, ModelProtocol
from mogplex.domain.model_call import CallTotals, ModelCall
from mogplex.gateway.meter import KeyLimit, Meter
from mogplex.gateway.provider import ModelPlan, Patience, Provider, Target
from mogplex.gateway.session import Session

KEY = "sk-real-key-of-the-server-0123456789"
QUICK = Patience(connect_seconds=5, first_byte_seconds=20, idle_seconds=20, retries=0, first_pause_seconds=0.01)
PATHS = {
    ModelProtocol.RESPONSES: "/v1/responses",
    ModelProtocol.CHAT: "/v1/chat/completions",
    ModelProtocol.MESSAGES: "/v1/messages",
}
MODELS = {
    ModelProtocol.RESPONSES: "gpt-5.5",
    ModelProtocol.CHAT: "gpt-5.5",
    ModelProtocol.MESSAGES: "claude-opus-5-5",
}
T = TypeVar("T")


def play(story: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(story, 60))


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - it may be about anything
        await asyncio.sleep(0.01)


class Ear:
    def __init__(self) -> None:
        self.calls: list[ModelCall] = []
        self.events: list[EventDraft] = []
        self.refusals: list[str] = []
        self.touched = 0

    def touch(self) -> None:
        self.touched += 1

    def tell(self, draft: EventDraft) -> None:
        self.events.append(draft)

    def tell_call(self, call: ModelCall) -> None:
        self.calls.append(call)

    def refuse(self, detail: str) -> None:
        self.refusals.append(detail)

    def of(self, kind: EventType) -> list[Mapping[str, Any]]:
        return [draft.payload for draft in self.events if draft.type is kind]


def provider(url: str, *protocols: ModelProtocol, name: str = "acme", **fields: Any) -> Provider:
    given = {"key": KEY, "patience": QUICK, **fields}
    return Provider(name, protocols or tuple(ModelProtocol), url, **given)


class Door:
    """A session that is open, and how a harness talks to it."""

    def __init__(self, session: Session, ear: Ear, url: str, client: aiohttp.ClientSession) -> None:
        self.session = session
        self.ear = ear
        self.url = url
        self.client = client

    async def ask(
        self, protocol: ModelProtocol = ModelProtocol.MESSAGES, *, path: str = "", **fields: Any
    ) -> aiohttp.ClientResponse:
        """The whole answer; raises ClientPayloadError when it broke off."""
        body = {"model": MODELS[protocol], "stream": True, "messages": [], **fields}
        headers = {"authorization": "Bearer sandbox", "x-api-key": "sandbox"}
        answer = await self.client.post(self.url + (path or PATHS[protocol]), json=body, headers=headers)
        await answer.read()
        return answer

    async def calls(self, number: int) -> list[ModelCall]:
        """Once so many are recorded."""
        await until(lambda: len(self.ear.calls) >= number)
        return self.ear.calls


@asynccontextmanager
async def opened(
    *targets: Target,
    budget: Budget = Budget(),  # noqa: B008 - immutable
    totals: CallTotals = CallTotals(),  # noqa: B008 - immutable
    key_limit: KeyLimit | None = None,
    ear: Ear | None = None,
    **options: Any,
) -> AsyncIterator[Door]:
    """`options` are of the session."""
    protocol = targets[0].provider.protocols[0]
    ear, plan = ear or Ear(), ModelPlan(protocol, targets)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        endpoint = ModelEndpoint(url, protocol, plan.model)
        session = Session(plan, endpoint, Meter(budget, totals, key_limit), ear, **options)
        await session.open()
        try:
            session.serve(listener.dup())
            async with aiohttp.ClientSession(auto_decompress=False) as client:
                yield Door(session, ear, url, client)
        finally:
            await session.close()
