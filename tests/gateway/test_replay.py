"""What a run asked and was answered can be played again; nothing secret is kept; what differs is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mogplex.domain.event import EventType
from mogplex.domain.model import ModelProtocol
from mogplex.domain.model_call import CallFault
from mogplex.domain.recording import RecordedCall, compare_requests
from mogplex.domain.redact import Redactor
from mogplex.domain.run import Run
from mogplex.gateway.provider import Target
from mogplex.gateway.recording import Recorder
from mogplex.gateway.replay import Replay
from mogplex.gateway.scripted.scenario_file import parse_scenario
from mogplex.gateway.scripted.server import ScriptedModel
from mogplex.service.recordings import clean_recorded
from tests.gateway.door import Door, Ear, opened, play, provider
from tests.worker.test_models import make_run

MODEL = "gpt-5.5"
SECRET = "hush-hush-1234567890"
TALK = f"""
usage: {{input: 100, output: 20, cache_read: 30}}
turns:
  - text: The secret is {SECRET}, and that is all.
  - text: Goodbye.
"""


class Kept:
    """Recordings in memory."""

    def __init__(self) -> None:
        self.calls: dict[int, RecordedCall] = {}

    def keep(self, run: Run, number: int, call: RecordedCall) -> None:
        self.calls[number] = call

    def in_order(self) -> list[RecordedCall]:
        return [self.calls[number] for number in sorted(self.calls)]


def history(protocol: ModelProtocol, *turns: str) -> dict[str, Any]:
    roles = ("user", "assistant")
    said = [{"role": roles[number % 2], "content": text} for number, text in enumerate(turns)]
    field = "input" if protocol is ModelProtocol.RESPONSES else "messages"
    return {"model": MODEL, "messages": None, field: said, "max_tokens": 9}


async def talk(door: Door, protocol: ModelProtocol, stream: bool, *turns: str) -> str:
    answer = await door.ask(protocol, stream=stream, **history(protocol, *turns))
    return (await answer.read()).decode()


async def record(protocol: ModelProtocol, stream: bool, chunk: int = 10_000) -> tuple[list[RecordedCall], list[str]]:
    """The recording of a talk of two calls, and what the harness heard then."""
    kept, scenario = Kept(), f"chunk_characters: {chunk}\n{TALK}"
    async with ScriptedModel(parse_scenario(scenario)) as model:
        target = Target(provider(model.url + "/v1"), MODEL)
        recorder = Recorder(make_run(), kept, Redactor([SECRET]), Ear(), 0)  # type: ignore[arg-type]
        async with opened(target, keep=recorder.keep) as door:
            heard = [await talk(door, protocol, stream, "hello", *more) for more in ((), ("well", "and now"))]
        await recorder.close()
    return kept.in_order(), heard


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("protocol", list(ModelProtocol))
def test_a_replay_says_the_same_without_a_provider(protocol: ModelProtocol, stream: bool) -> None:
    async def story() -> None:
        calls, heard = await record(protocol, stream)
        assert len(calls) == 2
        assert not any(SECRET in each.request + each.answer.decode() for each in calls)
        ear = Ear()
        replay = Replay("run_old", calls, Redactor([SECRET]), ear)
        assert replay.plan((protocol,)).protocol is protocol
        async with opened(*replay.plan((protocol,)).targets, replay=replay, ear=ear) as door:
            again = [await talk(door, protocol, stream, "hello", *more) for more in ((), ("well", "and then"))]
            assert _texts(again[0]) == _texts(heard[0].replace(SECRET, "[redacted]"))
            assert _texts(again[1]) == _texts(heard[1])
            assert [(each.usage.output_tokens, each.cost_usd, each.provider) for each in ear.calls] == [
                (20, 0.0, "replay"),
                (20, 0.0, "replay"),
            ]
            (told,) = ear.of(EventType.LOG)
            assert told["call"] == 2
            assert "and then" in told["differences"][0]
            assert "and now" in told["differences"][0]
            assert "has 2 calls only" in await talk(door, protocol, stream, "hello", "more")
            assert ear.calls[-1].fault is CallFault.REFUSED
        replay.sum_up()
        assert ear.events[-1].message == "2 of 2 recorded answers played; requests that differed: 1"

    play(story())


@pytest.mark.parametrize("protocol", list(ModelProtocol))
def test_a_secret_that_is_spread_over_a_stream_is_not_kept(protocol: ModelProtocol) -> None:
    async def story() -> None:
        calls, _ = await record(protocol, True, chunk=5)
        assert [each.withheld for each in calls] == [True, False]
        assert calls[0].answer == b""
        assert SECRET[:5] not in calls[0].request

    play(story())


def test_what_is_secret_in_a_body_goes_and_the_json_stays() -> None:
    body = json.dumps({"a": f'quote " {SECRET}', "b": [1, None, {"Authorization": "Bearer f3K9xQ7wL2mN8vB4tY6z"}]})
    call = RecordedCall(ModelProtocol.CHAT, "m", body, 200, "application/json", body.encode())
    cleaned = clean_recorded(call, Redactor([SECRET]))
    assert json.loads(cleaned.request)["a"] == 'quote " [redacted]'
    assert SECRET not in cleaned.answer.decode()
    assert "f3K9xQ7wL2mN8vB4tY6z" not in cleaned.answer.decode()


@pytest.mark.parametrize(
    ("then", "now", "told"),
    [
        ({"a": 1, "metadata": {"x": 1}}, {"metadata": {"x": 2}, "a": 1}, []),
        ({"a": [1, 2]}, {"a": [1, 3]}, ["a[1]: 3, not 2"]),
        ({"a": [{"id": "x1", "b": 1}]}, {"a": [{"id": "x2", "b": 1}]}, []),
        ({"a": [1]}, {"a": [1, 2]}, ["a has 2 entries, not 1"]),
        ({"a": 1}, {"b": 1}, ["a is gone", "b is new"]),
        ({"a": "same until here x"}, {"a": "same until here y"}, ["a: 'ntil here y', not 'ntil here x'"]),
        ({"a": list(range(9))}, {"a": [None] * 9}, 6),
    ],
)
def test_differences_have_a_place(then: Any, now: Any, told: list[str] | int) -> None:
    found = compare_requests(json.dumps(then), json.dumps(now))
    assert (len(found) if isinstance(told, int) else found) == told


def _texts(raw: str) -> list[Any]:
    """The records of an answer, however JSON was written."""
    lines = [line[5:].strip() for line in raw.splitlines() if line.startswith("data:")] or [raw]
    return [line if line == "[DONE]" else json.loads(line) for line in lines]
