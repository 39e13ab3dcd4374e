"""What a provider would do outside the sandbox is refused by name; what harnesses send passes."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from mogplex.domain.model import ModelProtocol
from mogplex.gateway.asked import Asked
from mogplex.gateway.feature import features_of
from mogplex.gateway.intake import CALLS, LONG_BODY_BYTES
from mogplex.gateway.provider import Target
from mogplex.gateway.scripted.scenario_file import parse_scenario
from mogplex.gateway.scripted.server import ScriptedModel
from tests.gateway.door import opened, play, provider

R, C, M = ModelProtocol.RESPONSES, ModelProtocol.CHAT, ModelProtocol.MESSAGES
HELLO = "turns: [{text: Hello.}]"
MODEL = "gpt-5.5"
USER = [{"role": "user", "content": "hello"}]


@pytest.mark.parametrize(
    ("protocol", "fields", "name"),
    [
        (R, {"background": True}, "background"),
        (R, {"service_tier": "priority"}, "service_tier"),
        (R, {"tools": [{"type": "mcp", "server_url": "https://evil.example"}]}, "mcp"),
        (R, {"tools": [{"type": "namespace", "tools": [{"type": "web_search"}]}]}, "web_search"),
        (R, {"input": [{"type": "additional_tools", "tools": [{"type": "code_interpreter"}]}]}, "code_interpreter"),
        (R, {"input": [{"content": [{"type": "input_image", "image_url": "https://evil.example/?x"}]}]}, "url"),
        (R, {"input": [{"content": [{"type": "input_file", "file_url": "https://evil.example/?x"}]}]}, "url"),
        (C, {"web_search_options": {"search_context_size": "low"}}, "web_search_options"),
        (C, {"models": ["dear/model"]}, "models"),
        (C, {"messages": [{"content": [{"image_url": {"url": "http://evil.example"}}]}]}, "url"),
        (M, {"mcp_servers": [{"type": "url", "url": "https://evil.example"}]}, "mcp_servers"),
        (M, {"tools": [{"type": "web_fetch_20250910", "name": "web_fetch"}]}, "web_fetch_20250910"),
        (M, {"messages": [{"content": [{"type": "image", "source": {"type": "url", "url": "http://e"}}]}]}, "url"),
        (M, {"speed": "fast"}, "speed"),
    ],
)
def test_a_provider_does_nothing_but_answer_unless_it_is_allowed(
    protocol: ModelProtocol, fields: dict[str, Any], name: str
) -> None:
    asked = {"messages": None, ("input" if protocol is R else "messages"): USER, **fields}

    async def story() -> None:
        async with ScriptedModel(parse_scenario(HELLO)) as model:
            async with opened(Target(provider(model.url + "/v1"), MODEL)) as door:
                answer = await door.ask(protocol, model=MODEL, **asked)
                body = await answer.json()
                assert answer.status == 400
                assert (
                    (body["type"] == "error") if protocol is M else (body["error"]["code"] == "invalid_request_error")
                )
                assert repr(name) in body["error"]["message"]
                assert len(model.exchanges) == len(door.ear.calls) == 0
            async with opened(Target(provider(model.url + "/v1", allow=(name,)), MODEL)) as door:
                await door.ask(protocol, model=MODEL, **asked)
                assert len(model.exchanges) == 1

    play(story())


def test_what_harnesses_send_passes() -> None:
    """As codex 0.163 and claude 2.1.330 send it; arguments of a tool are data."""
    codex = {
        "tools": [{"type": kind, "name": "x"} for kind in ("function", "custom", "local_shell")],
        "input": [{"content": [{"type": "input_image", "image_url": "data:image/png;base64,AA"}]}],
        "service_tier": "auto",
        "store": False,
        "background": False,
    }
    claude = {
        "tools": [{"name": "Bash", "input_schema": {}}, {"name": "DeferredToolPlaceholder", "defer_loading": True}],
        "messages": [
            {
                "content": [
                    {"type": "tool_use", "input": {"type": "url", "image_url": "http://a", "tools": [{"type": "x"}]}}
                ]
            },
            {"content": [{"type": "image", "source": {"type": "base64", "data": "AA"}}]},
        ],
        "thinking": {"type": "adaptive"},
        "service_tier": "standard_only",
    }
    assert list(features_of(codex, R)) == []
    assert list(features_of(claude, M)) == []


def test_a_request_that_says_something_twice_is_not_read() -> None:
    assert Asked.of(b'{"model": "m", "background": true, "background": false}', R) is None


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")  # by the client of this test
def test_many_and_long_requests_at_once_are_all_answered() -> None:
    """More than are taken in at once, of which more than so many may be long."""

    async def story() -> None:
        async with ScriptedModel(parse_scenario(HELLO)) as model:
            async with opened(Target(provider(model.url + "/v1"), MODEL)) as door:
                long = [{"role": "user", "content": "x" * LONG_BODY_BYTES}]
                asking = [door.ask(C, model=MODEL, messages=long) for _ in range(8)]
                asking += [door.ask(C, model=MODEL, messages=USER) for _ in range(CALLS)]
                assert [answer.status for answer in await asyncio.gather(*asking)] == [200] * (8 + CALLS)
                seen = sorted(len(json.dumps(each.body)) > LONG_BODY_BYTES for each in model.exchanges)
                assert seen == [False] * CALLS + [True] * 8

    play(story())
