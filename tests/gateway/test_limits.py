"""Limits refuse the next call, in words that each CLI understands, and say so before."""

from __future__ import annotations

import asyncio
import json

import pytest

from mogplex.domain.budget import Budget
from mogplex.domain.event import EventType
from mogplex.domain.model import ModelProtocol
from mogplex.domain.model_call import CallTotals
from mogplex.domain.usage import Usage
from mogplex.gateway.asked import Asked
from mogplex.gateway.claim import claim_of
from mogplex.gateway.meter import Claim, KeyLimit, Meter
from mogplex.gateway.provider import Target
from mogplex.gateway.scripted.scenario_file import parse_scenario
from mogplex.gateway.scripted.server import ScriptedModel
from tests.gateway.door import Door, opened, play, provider

# A call costs 1,000 x $4 + 100 x $20 = $0.006 and 1,100 tokens.
ONE_CALL = "usage: {input: 1000, output: 100}\nturns: [{text: Hello there., pace: 0.002}]"
CLAUDE = "claude-opus-5-5"


async def ask(door: Door, protocol: ModelProtocol = ModelProtocol.MESSAGES, stream: bool = True) -> int:
    history = [{"role": "user", "content": "hello"}]
    field = "input" if protocol is ModelProtocol.RESPONSES else "messages"
    return (await door.ask(protocol, model=CLAUDE, stream=stream, **{"messages": None, field: history})).status


@pytest.mark.parametrize(
    ("budget", "words"),
    [
        (Budget(model_calls=5), "5 model calls"),
        (Budget(tokens=5_000), "5,500 tokens of the 5,000"),
        (Budget(usd=0.0299), "$0.0300 of the $0.0299"),
    ],
)
@pytest.mark.parametrize("protocol", list(ModelProtocol))
def test_the_call_after_the_limit_is_refused(protocol: ModelProtocol, budget: Budget, words: str) -> None:
    async def story() -> None:
        async with ScriptedModel(parse_scenario(ONE_CALL)) as model:
            async with opened(Target(provider(model.url + "/v1"), CLAUDE), budget=budget) as door:
                assert [await ask(door, protocol) for _ in range(5)] == [200] * 5
                assert door.ear.refusals == []
                refused = await door.ask(protocol, model=CLAUDE)
                body = await refused.json()
                assert words in body["error"]["message"]
                if protocol is ModelProtocol.MESSAGES:
                    assert (refused.status, body["error"]["type"]) == (402, "billing_error")
                else:
                    assert (refused.status, body["error"]["code"]) == (400, "budget_exceeded")
                assert refused.headers["x-should-retry"] == "false"
                assert len(model.exchanges) == len(door.ear.calls) == 5
                assert len(door.ear.refusals) == 1
                (warning,) = door.ear.of(EventType.BUDGET_WARNING)
                assert 0.8 * warning["of"] <= warning["used"] <= warning["of"] * 1.1

    play(story())


def test_many_calls_at_once_do_not_pass_a_limit_together() -> None:
    async def story() -> None:
        async with ScriptedModel(parse_scenario(ONE_CALL)) as model:
            async with opened(Target(provider(model.url + "/v1"), CLAUDE), budget=Budget(model_calls=7)) as door:
                seen = await asyncio.gather(*(ask(door) for _ in range(20)))
                assert sorted(seen) == [200] * 7 + [402] * 13
                assert len(model.exchanges) == 7

    play(story())


@pytest.mark.parametrize("limit", ["usd", "tokens", "key"])
def test_many_calls_at_once_do_not_spend_more_together_than_one_by_one(limit: str) -> None:
    """Each costs $0.006 and 1,100 tokens: the second is over the limit."""
    budget = {"usd": Budget(usd=0.01), "tokens": Budget(tokens=2_000), "key": Budget()}[limit]

    async def ask_others() -> float:
        return 0.99

    async def story() -> None:
        async with ScriptedModel(parse_scenario(ONE_CALL)) as model:
            target = Target(provider(model.url + "/v1"), CLAUDE)
            key_limit = KeyLimit(1.0, ask_others) if limit == "key" else None
            async with opened(target, budget=budget, key_limit=key_limit) as door:
                seen = await asyncio.gather(*(ask(door) for _ in range(50)))
                assert sorted(seen) == [200] * 2 + [402] * 48
                assert len(model.exchanges) == len(door.ear.calls) == 2

    play(story())


def test_calls_that_fit_go_side_by_side_and_others_wait_for_their_turn() -> None:
    async def story() -> None:
        meter = Meter(Budget(tokens=1_000), CallTotals())
        assert await meter.admit("a", Claim(400, 0.0), lambda: None) is None
        assert await meter.admit("b", Claim(400, 0.0), lambda: None) is None
        third = asyncio.create_task(meter.admit("c", Claim(400, 0.0), lambda: None))
        done, _ = await asyncio.wait([third], timeout=0.05)
        assert not done
        meter.end("a", None)
        assert await third is None

    play(story())


def test_what_a_call_may_use_is_reckoned_from_its_request() -> None:
    target = Target(provider("http://127.0.0.1:1"), CLAUDE)

    def claim(**fields: object) -> Claim:
        asked = Asked.of(json.dumps({"model": CLAUDE, "x": "y" * 4_000, **fields}).encode(), ModelProtocol.CHAT)
        assert asked is not None
        return claim_of(asked, [target])

    assert 1_000 + 500 <= claim(max_tokens=500).tokens < 1_100 + 500
    assert claim(max_tokens=500, n=3).tokens - claim(max_tokens=500, n=1).tokens == 1_000
    assert claim().tokens > 32_000
    assert claim(max_output_tokens=10**30).tokens < 2_000_000
    assert 0.0 < claim(max_tokens=500).usd < claim().usd


def test_earlier_attempts_count() -> None:
    async def story() -> None:
        async with ScriptedModel(parse_scenario(ONE_CALL)) as model:
            spent = CallTotals(Usage(900, model_calls=3), 1.0)
            target = Target(provider(model.url + "/v1"), CLAUDE)
            async with opened(target, budget=Budget(usd=1.0), totals=spent) as door:
                assert await ask(door) == 402

    play(story())


def test_what_a_key_spends_elsewhere_counts_for_its_day() -> None:
    async def story() -> None:
        spent = 0.985

        async def ask_others() -> float:
            return spent

        async with ScriptedModel(parse_scenario(ONE_CALL)) as model:
            target = Target(provider(model.url + "/v1"), CLAUDE)
            async with opened(target, key_limit=KeyLimit(1.0, ask_others)) as door:
                assert [await ask(door) for _ in range(2)] == [200, 200]
                spent = 0.99
                assert await ask(door) == 402
                assert "24 hours" in door.ear.refusals[0]

    play(story())


def test_a_limit_in_dollars_needs_a_price() -> None:
    async def story() -> None:
        async with ScriptedModel(parse_scenario(ONE_CALL)) as model:
            target = Target(provider(model.url + "/v1"), "nobody-knows-me")
            body = {"model": "nobody-knows-me", "messages": [{"role": "user", "content": "x"}]}
            async with opened(target, budget=Budget(usd=1.0)) as door:
                assert (await door.ask(**body)).status == 402
                assert "price of model nobody-knows-me" in door.ear.refusals[0]
            async with opened(target) as door:
                assert (await door.ask(**body)).status == 200
                assert (await door.calls(1))[0].cost_usd is None

    play(story())
