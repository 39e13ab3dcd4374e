"""An attempt's way to its models: a door for who needs one, and the first cause when a limit or a provider ends it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import pytest

from mogplex.domain.budget import Budget
from mogplex.domain.ending import Cause
from mogplex.domain.event import EventDraft
from mogplex.domain.model import ModelProtocol
from mogplex.domain.model_call import CallTotals, ModelCall
from mogplex.domain.ports import SandboxSpec
from mogplex.domain.run import Run, Status
from mogplex.gateway.catalog import Catalog
from mogplex.gateway.config import ModelConfig
from mogplex.gateway.gateway import Gateway
from mogplex.gateway.scripted.scenario_file import parse_scenario
from mogplex.gateway.scripted.server import ScriptedModel
from mogplex.worker.activity import Activity
from mogplex.worker.models import Models
from mogplex.worker.stop import Stop, Stopped
from tests.gateway.door import provider

MESSAGES = (ModelProtocol.MESSAGES,)
HELLO = {"model": "claude-opus-5-5", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 9}
WELL = "turns: [{text: Hello.}]"


class Transcript:
    def __init__(self) -> None:
        self.calls: list[ModelCall] = []
        self.drafts: list[EventDraft] = []

    def put(self, draft: EventDraft) -> None:
        self.drafts.append(draft)

    def put_call(self, call: ModelCall) -> None:
        self.calls.append(call)


class Calls:
    """Nothing was spent before."""

    def totals_of(self, run_id: str) -> CallTotals:
        return CallTotals()

    def daily_limit_of(self, run: Run) -> None:
        return None


def make_run(model: str | None = None, budget: Budget = Budget()) -> Run:  # noqa: B008 - immutable
    return Run(
        id="run_1", repo_id="r", repo_full_name="o/n", status=Status.STREAMING, harness="h", prompt="p",
        base_branch="b", working_branch="w", create_branch=False, created_at=1.0, updated_at=1.0, key_owner="o",
        api_key_id="k", idempotency_key="i", request_hash="x", timeout_seconds=60.0, attempt=1, model=model,
        budget=budget,
    )  # fmt: skip


class World:
    """Models on a driver that can't listen, so that the door is on the host."""

    def __init__(self, run: Run, url: str | None, protocols: Sequence[ModelProtocol] = MESSAGES) -> None:
        places = () if url is None else (provider(url + "/v1", name="acme", default_model="claude-opus-5-5"),)
        gateway = Gateway(Catalog(ModelConfig(places)), cast(Any, Calls()), cast(Any, None))
        harness = SimpleNamespace(protocols=tuple(protocols))
        self.stop, self.activity, self.transcript = Stop(), Activity(), Transcript()
        driver = SimpleNamespace(can_listen=False)
        equipment = SimpleNamespace(harnesses={"h": harness}, gateway=gateway, driver=driver)
        self.models = Models(run, cast(Any, equipment), cast(Any, self.transcript), self.stop, self.activity)

    async def ask(self, **fields: Any) -> int:
        assert self.models.endpoint is not None
        async with aiohttp.ClientSession() as client:
            async with client.post(self.models.endpoint.url + "/v1/messages", json={**HELLO, **fields}) as answer:
                await answer.read()
                return answer.status


@asynccontextmanager
async def facing(scenario: str, run: Run) -> AsyncIterator[World]:
    async with ScriptedModel(parse_scenario(scenario)) as model:
        world = World(run, model.url)
        async with world.models:
            yield world


def test_calls_are_recorded_and_are_signs_of_life() -> None:
    async def story() -> None:
        async with facing(WELL, make_run()) as world:
            assert world.models.endpoint is not None
            assert (world.models.endpoint.model, world.models.endpoint.protocol) == ("claude-opus-5-5", *MESSAGES)
            assert world.models.endpoint.context_tokens == 1_000_000
            assert not world.activity.begun
            assert await world.ask() == 200
            assert world.activity.begun
        assert [call.fault for call in world.transcript.calls] == [None]
        world.models.note_fault()
        assert world.stop.cause is None

    asyncio.run(story())


def test_a_harness_without_protocols_gets_no_door() -> None:
    async def story() -> None:
        world = World(make_run(), None, ())
        async with world.models as models:
            spec = SandboxSpec("s", ("true",))
            assert models.equip(spec) is spec
            assert models.endpoint is None
            models.note_fault()
        assert world.stop.cause is None

    asyncio.run(story())


def test_a_limit_is_the_cause_before_the_refusal_is_sent_and_lets_the_harness_end_by_itself() -> None:
    async def story() -> None:
        async with facing(WELL, make_run(budget=Budget(model_calls=1))) as world:
            assert await world.ask() == 200
            assert world.stop.cause is None
            assert await world.ask() == 402
            assert (world.stop.cause, world.stop.is_set) == (Cause.BUDGET, False)
            world.models.note_fault()
        assert world.stop.cause is Cause.BUDGET
        assert "1 model calls" in world.stop.detail
        with pytest.raises(Stopped):
            world.stop.check()

    asyncio.run(story())


def test_a_harness_that_goes_on_after_a_refusal_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        monkeypatch.setattr("mogplex.worker.models.REFUSED_SECONDS", 0.05)
        async with facing(WELL, make_run(budget=Budget(model_calls=0))) as world:
            assert await world.ask() == 402
            await asyncio.wait_for(world.stop.wait(), 30)

    asyncio.run(story())


def test_a_provider_that_fails_is_the_cause_only_if_the_harness_then_fails() -> None:
    async def story() -> None:
        once = "turns: [{text: Hello., fault: {status: 401, message: Wrong key, times: 1}}]"
        async with facing(once, make_run()) as world:
            assert await world.ask() == 401
            assert world.stop.cause is None
            world.models.note_fault()
            assert (world.stop.cause, "Wrong key" in world.stop.detail) == (Cause.MODEL, True)
        async with facing(once, make_run()) as world:
            assert [await world.ask(), await world.ask()] == [401, 200]
            world.models.note_fault()
            assert world.stop.cause is None

    asyncio.run(story())


def test_a_model_that_is_not_to_be_had_stops_the_attempt() -> None:
    async def story() -> None:
        world = World(make_run(), None)
        with pytest.raises(Stopped):
            async with world.models:
                raise AssertionError("it was opened")
        assert world.stop.cause is Cause.MODEL
        assert "ANTHROPIC_API_KEY" in world.stop.detail

    asyncio.run(story())
