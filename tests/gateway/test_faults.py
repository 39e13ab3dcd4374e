"""Whatever a provider does, each call has one row that says so, token for token as the provider had it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import aiohttp
import pytest

from mogplex.domain.event import EventType
from mogplex.domain.model import ModelProtocol
from mogplex.domain.model_call import CallFault, ModelCall
from mogplex.domain.usage import Usage
from mogplex.gateway.prices import price_usage
from mogplex.gateway.provider import Target
from mogplex.gateway.scripted.scenario_file import parse_scenario
from mogplex.gateway.scripted.server import ScriptedModel
from tests.gateway.door import QUICK, Door, opened, play, provider

MODEL = "gpt-5.5"
PROTOCOLS = list(ModelProtocol)
TOLD = "usage: {input: 100, output: 20, cache_read: 30, cache_write: 7, reasoning: 5}\n"


def scenario(fault: str = "", turn: str = "text: This is what the model has to say to you.") -> str:
    first = f"{TOLD}turns:\n  - {turn}\n"
    return first + (f"    fault: {fault}\n" if fault else "")


def playing(text: str) -> ScriptedModel:
    return ScriptedModel(parse_scenario(text))


@asynccontextmanager
async def facing(text: str, **fields: object) -> AsyncIterator[tuple[Door, ScriptedModel]]:
    """A door in front of one scripted model; `fields` are of its provider."""
    async with playing(text) as model:
        place = provider(model.url + "/v1", **fields)  # type: ignore[arg-type]
        async with opened(Target(place, MODEL)) as door:
            yield door, model


async def ask(door: Door, protocol: ModelProtocol, stream: bool) -> int | None:
    """The status that the harness saw; None when the answer broke off."""
    history = [{"role": "user", "content": "hello"}]
    field = "input" if protocol is ModelProtocol.RESPONSES else "messages"
    try:
        return (
            await door.ask(protocol, model=MODEL, stream=stream, **{"messages": None, field: history, "max_tokens": 9})
        ).status
    except (aiohttp.ClientError, ConnectionError):
        return None


async def ask_once(door: Door) -> aiohttp.ClientResponse:
    messages = [{"role": "user", "content": "hello"}]
    return await door.ask(ModelProtocol.MESSAGES, model=MODEL, messages=messages, max_tokens=9)


def expected(protocol: ModelProtocol, told: Usage | None) -> Usage:
    """The scenario's usage as the protocol can say it: OpenAI's have no cache writes, Anthropic's no reasoning."""
    assert told is not None
    if protocol is ModelProtocol.MESSAGES:
        return replace(told, reasoning_tokens=0, model_calls=1)
    written = told.cache_write_tokens
    return replace(told, input_tokens=told.input_tokens + written, cache_write_tokens=0, model_calls=1)


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_call_that_went_well_is_recorded_token_for_token(protocol: ModelProtocol, stream: bool) -> None:
    async def story() -> None:
        async with facing(scenario()) as (door, model):
            assert await ask(door, protocol, stream) == 200
            (call,) = await door.calls(1)
            (seen,) = model.exchanges
            assert call.usage == expected(protocol, seen.usage)
            assert (call.fault, call.estimated, call.http_status, call.retries) == (None, False, 200, 0)
            assert (call.request_id, call.model, call.protocol) == (seen.request_id, MODEL, protocol)
            assert call.streamed is stream
            assert call.ttft_ms is not None
            assert call.ttft_ms <= call.duration_ms
            assert call.cost_usd is not None
            assert call.cost_usd > 0
            assert door.session.fault is None
            assert door.ear.events == []

    play(story())


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 429, 500, 503, 529])
def test_an_error_status_reaches_the_harness_and_costs_nothing(status: int, protocol: ModelProtocol) -> None:
    async def story() -> None:
        async with facing(scenario(f'{{status: {status}, message: "Sorry, no."}}')) as (door, _):
            assert await ask(door, protocol, True) == status
            (call,) = await door.calls(1)
            assert (call.fault, call.http_status, call.detail) == (CallFault.REFUSED, status, "Sorry, no.")
            assert (call.usage, call.cost_usd, call.estimated) == (Usage(model_calls=1), 0.0, False)
            assert "Sorry, no." in (door.session.fault or "")

    play(story())


@pytest.mark.parametrize(
    ("fault", "sent", "retries"),
    [
        ("{status: 500, times: 2}", 3, 2),
        ("{status: 529, times: 1}", 2, 1),
        ("{status: 429, retry_after: 0, times: 1}", 2, 1),
        ("{kind: reset, times: 1}", 2, 1),
    ],
)
def test_what_may_pass_is_asked_again_before_the_first_byte(fault: str, sent: int, retries: int) -> None:
    async def story() -> None:
        async with facing(scenario(fault), patience=replace(QUICK, retries=2)) as (door, model):
            assert await ask(door, ModelProtocol.MESSAGES, True) == 200
            (call,) = await door.calls(1)
            assert (len(model.exchanges), call.retries, call.fault) == (sent, retries, None)
            assert call.usage == expected(ModelProtocol.MESSAGES, model.exchanges[-1].usage)
            told = door.ear.of(EventType.MODEL_RETRY)
            assert [each["attempt"] for each in told] == list(range(1, retries + 1))
            assert told[0]["status"] == model.exchanges[0].status

    play(story())


@pytest.mark.parametrize(
    ("fault", "status", "headers"),
    [
        ("{status: 429}", 429, {}),
        ("{status: 429, retry_after: 3600}", 429, {"Retry-After": "3600"}),
        ("{status: 400}", 400, {}),
        ("{status: 401}", 401, {}),
        ("{status: 500, headers: {x-should-retry: 'false'}}", 500, {"x-should-retry": "false"}),
    ],
)
def test_what_will_not_pass_is_asked_once(fault: str, status: int, headers: dict[str, str]) -> None:
    async def story() -> None:
        async with facing(scenario(fault), patience=replace(QUICK, retries=2)) as (door, model):
            answer = await ask_once(door)
            assert answer.status == status
            assert headers.items() <= answer.headers.items()
            assert len(model.exchanges) == 1
            assert door.ear.of(EventType.MODEL_RETRY) == []

    play(story())


def test_who_was_asked_again_in_vain_need_not_be_asked_by_the_harness_too() -> None:
    async def story() -> None:
        async with facing(scenario("{status: 503}"), patience=replace(QUICK, retries=1)) as (door, model):
            answer = await ask_once(door)
            assert (answer.status, answer.headers["x-should-retry"], len(model.exchanges)) == (503, "false", 2)

    play(story())


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("{kind: cut}", CallFault.CUT),
        ("{kind: end_early}", CallFault.ENDED_EARLY),
        ("{kind: error_event, message: Overloaded}", CallFault.FAILED),
        ("{kind: stall}", CallFault.STALLED),
    ],
)
def test_an_answer_that_breaks_off_is_estimated_never_zero(
    protocol: ModelProtocol, fault: str, kind: CallFault
) -> None:
    async def story() -> None:
        async with facing(scenario(fault), patience=replace(QUICK, idle_seconds=0.5)) as (door, model):
            seen = await ask(door, protocol, True)
            (call,) = await door.calls(1)
            assert (call.fault, call.http_status, call.estimated) == (kind, 200, True)
            assert seen == (200 if kind in (CallFault.ENDED_EARLY, CallFault.FAILED) else None)
            assert call.usage.output_tokens > 0
            if protocol is ModelProtocol.MESSAGES:  # the one that tells its input at the start
                told = expected(protocol, model.exchanges[-1].usage)
                assert call.usage.input_tokens == told.input_tokens
                assert call.usage.cache_write_tokens == told.cache_write_tokens
            assert call.usage.input_tokens > 0
            assert call.cost_usd is not None
            assert call.cost_usd > 0
            assert door.session.fault is not None

    play(story())


@pytest.mark.parametrize(
    ("fault", "kind", "status"),
    [
        ("{kind: reset}", CallFault.RESET, 502),
        ("{kind: silence}", CallFault.SILENT, 504),
        ("{kind: refused}", CallFault.UNREACHABLE, 502),
    ],
)
def test_no_answer_at_all_is_told_in_the_words_of_the_protocol(fault: str, kind: CallFault, status: int) -> None:
    async def story() -> None:
        async with facing(scenario(fault), patience=replace(QUICK, first_byte_seconds=0.5)) as (door, _):
            for number, protocol in enumerate(PROTOCOLS, 1):
                assert await ask(door, protocol, True) == status
                call = (await door.calls(number))[-1]
                assert (call.fault, call.http_status) == (kind, None)
                # A provider that took the question may be at work on it; one that was not reached is not.
                assert call.estimated is (kind is CallFault.SILENT)
                assert (call.usage.input_tokens > 0) is call.estimated

    play(story())


def test_a_later_success_clears_the_fault() -> None:
    async def story() -> None:
        async with facing(scenario("{status: 401, times: 1}")) as (door, _):
            assert await ask(door, ModelProtocol.CHAT, True) == 401
            assert door.session.fault is not None
            assert await ask(door, ModelProtocol.CHAT, True) == 200
            assert door.session.fault is None

    play(story())


@pytest.mark.parametrize("fault", ["401", "402", "529", "reset", "refused"])
def test_the_next_provider_takes_over(fault: str) -> None:
    async def story() -> None:
        async with playing(scenario(fault)) as first, playing(scenario()) as second:
            targets = (
                Target(provider(first.url + "/v1", name="first"), MODEL),
                Target(provider(second.url + "/v1", name="second", key="another-key-0123456789"), "claude-other"),
            )
            async with opened(*targets) as door:
                assert await ask(door, ModelProtocol.MESSAGES, True) == 200
                (call,) = await door.calls(1)
                assert (call.provider, call.model, call.retries) == ("second", "claude-other", 1)
                (seen,) = second.exchanges
                assert seen.model == "claude-other"
                (told,) = door.ear.of(EventType.MODEL_RETRY)
                assert told["provider"] == "second"

    play(story())


def test_what_a_silent_provider_may_have_used_is_in_the_call() -> None:
    async def story() -> None:
        async with playing(scenario("{kind: silence}")) as first, playing(scenario()) as second:
            targets = [
                Target(
                    provider(model.url + "/v1", name=name, patience=replace(QUICK, first_byte_seconds=seconds)), MODEL
                )
                for name, model, seconds in (("first", first, 0.5), ("second", second, 20))
            ]
            async with opened(*targets) as door:
                assert await ask(door, ModelProtocol.MESSAGES, True) == 200
                (call,) = await door.calls(1)
                told = expected(ModelProtocol.MESSAGES, second.exchanges[-1].usage)
                assert (call.provider, call.estimated, call.fault, call.retries) == ("second", True, None, 1)
                assert call.usage.input_tokens > told.input_tokens
                assert replace(call.usage, input_tokens=told.input_tokens) == told
                assert call.cost_usd is not None
                assert call.cost_usd > (price_usage(targets[1], told) or 0)

    play(story())


def test_a_wrong_request_is_not_taken_to_the_next_provider() -> None:
    async def story() -> None:
        async with playing(scenario("{status: 400}")) as first, playing(scenario()) as second:
            places = [provider(model.url + "/v1", name=name) for name, model in (("a", first), ("b", second))]
            async with opened(*(Target(place, MODEL) for place in places)) as door:
                assert await ask(door, ModelProtocol.MESSAGES, True) == 400
                assert len(second.exchanges) == 0

    play(story())


def test_many_at_once_are_each_recorded_once() -> None:
    async def story() -> None:
        async with facing(scenario(turn="text: Hello.\n    pace: 0.01")) as (door, model):
            seen = await asyncio.gather(*(ask(door, protocol, True) for protocol in PROTOCOLS * 10))
            calls: list[ModelCall] = await door.calls(30)
            assert seen == [200] * 30
            assert {call.request_id for call in calls} == {each.request_id for each in model.exchanges}

    play(story())
