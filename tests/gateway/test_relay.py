"""What passes the gateway passes unchanged, at once, with another key and nothing else different."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest
from yarl import URL

from mogplex.domain.model import ModelProtocol
from mogplex.domain.model_call import CallFault
from mogplex.gateway.provider import Target
from tests.gateway.door import KEY, MODELS, PATHS, opened, play, provider, until
from tests.gateway.raw_provider import RawProvider, hang, plain, stream

RECORDS = (
    b'data: {"odd" :  "sp\xc3\xa4cing"}\n\n',
    b": comment\n\nevent: x\ndata: [1,",
    b"2]\r\n\r\n",
    b"data: [DONE]\n\n",
)


@pytest.mark.parametrize("protocol", list(ModelProtocol))
def test_bytes_and_unknown_things_pass_unchanged(protocol: ModelProtocol) -> None:
    body = b'{ "unknown":{"b":1,"a":[1.50,"\\u00e9"]},  "model": "%b" , "stream":false}' % MODELS[protocol].encode()

    async def story() -> None:
        async with RawProvider(stream(*RECORDS)).running() as raw:
            async with opened(Target(provider(raw.url, protocol), MODELS[protocol])) as door:
                headers = {
                    "Authorization": "Bearer from-the-sandbox",
                    "X-Api-Key": "from-the-sandbox",
                    "anthropic-beta": "one,two",
                    "X-Codex-Turn-Metadata": '{"a":1}',
                    "Accept-Encoding": "gzip, br",
                    "Content-Type": "application/json",
                    "User-Agent": "harness/1",
                }
                path = PATHS[protocol] + "?beta=true&x=%2F"
                async with door.client.post(URL(door.url + path, encoded=True), data=body, headers=headers) as answer:
                    received = await answer.read()
                assert received == b"".join(RECORDS)
                assert (answer.status, answer.headers["X-Unknown"]) == (200, "kept")
                (sent,) = raw.sent
                assert sent.body == body
                assert sent.line == f"POST {PATHS[protocol]}?beta=true&x=%2F HTTP/1.1"
                for name in ("anthropic-beta", "X-Codex-Turn-Metadata", "Content-Type", "User-Agent"):
                    assert sent.header(name) == headers[name]
                assert sent.header("Accept-Encoding") == "identity"
                assert [v for n, v in sent.headers if "from-the-sandbox" in v] == []
                own = "x-api-key" if protocol is ModelProtocol.MESSAGES else "authorization"
                assert KEY in (sent.header(own) or "")
                assert [n for n, v in sent.headers if KEY in v] == [own]

    play(story())


def test_no_chunk_is_held_back() -> None:
    """Each record must be here before the provider writes the next."""

    async def story() -> None:
        gate = asyncio.Event()
        records = [b"data: %d\n\n" % number for number in range(20)]
        async with RawProvider(stream(*records, gate=gate)).running() as raw:
            async with opened(Target(provider(raw.url), "m")) as door:
                async with door.client.post(door.url + "/v1/messages", json={"model": "m", "stream": True}) as answer:
                    for record in records:
                        assert await answer.content.readexactly(len(record)) == record
                        gate.set()
                    assert await answer.content.read() == b""

    play(story())


def test_a_chat_stream_is_asked_for_its_usage_and_else_left_alone() -> None:
    async def story() -> None:
        async with RawProvider(plain(200, {})).running() as raw:
            async with opened(Target(provider(raw.url, ModelProtocol.CHAT), "m")) as door:
                sent: list[bytes] = [
                    b'{"model":"m", "stream":true}',
                    b'{"model":"m","stream":true,"stream_options":{"include_usage":false,"x":1}}',
                    b'{"model":"m", "stream":true, "stream_options": {"include_usage": true}}',
                    b'{"model":"m", "stream":false}',
                ]
                for body in sent:
                    async with door.client.post(door.url + "/v1/chat/completions", data=body) as answer:
                        await answer.read()
                first, second, third, fourth = (each.body for each in raw.sent)
                assert first == b'{"stream_options":{"include_usage":true},"model":"m", "stream":true}'
                assert json.loads(second)["stream_options"] == {"include_usage": True, "x": 1}
                assert (third, fourth) == (sent[2], sent[3])

    play(story())


def test_azure_wants_its_key_and_its_version_elsewhere() -> None:
    async def story() -> None:
        async with RawProvider(plain(200, {})).running() as raw:
            azure = provider(
                raw.url, ModelProtocol.CHAT, key_header="api-key", query={"api-version": "v 1"}, headers={"X-Org": "o"}
            )
            async with opened(Target(azure, "m")) as door:
                await door.ask(ModelProtocol.CHAT, model="m", path="/openai/deployments/m/chat/completions?a=b")
                (sent,) = raw.sent
                assert sent.line == "POST /v1/chat/completions?a=b&api-version=v+1 HTTP/1.1"
                assert (sent.header("api-key"), sent.header("X-Org"), sent.header("authorization")) == (KEY, "o", None)

    play(story())


def test_what_is_no_model_call_is_answered_here() -> None:
    async def story() -> None:
        async with RawProvider(plain(200, {"input_tokens": 7})).running() as raw:
            async with opened(Target(provider(raw.url), "m")) as door:
                client, url = door.client, door.url
                assert (await client.head(url + "/api/hello")).status == 200
                assert (await client.get(url + "/api/hello")).status == 404
                models = await (await client.get(url + "/v1/models")).json()
                assert [each["id"] for each in models["data"]] == ["m"]
                upgrade = {"Connection": "Upgrade", "Upgrade": "websocket"}
                assert (await client.get(url + "/v1/responses", headers=upgrade)).status == 426
                assert (await client.post(url + "/v1/embeddings", json={"model": "m"})).status == 404
                assert (await client.post(url + "/v1/messages", data=b"no json")).status == 400
                other = await client.post(url + "/v1/messages", json={"model": "dearer"})
                assert (other.status, (await other.json())["error"]["type"]) == (404, "not_found_error")
                assert raw.sent == []
                counted = await client.post(url + "/v1/messages/count_tokens?beta=true", json={"model": "m"})
                assert await counted.json() == {"input_tokens": 7}
                assert raw.sent[0].line == "POST /v1/messages/count_tokens?beta=true HTTP/1.1"
                assert door.ear.calls == []

    play(story())


def test_who_goes_away_in_the_middle_lets_the_provider_go_and_is_recorded() -> None:
    async def story() -> None:
        first = b'data: {"type":"message_start","message":{"usage":{"input_tokens":11,"output_tokens":1}}}\n\n'
        async with RawProvider(stream(first, then=hang)).running() as raw:
            async with opened(Target(provider(raw.url), "claude-opus-5-5")) as door:
                answer = await door.client.post(
                    door.url + "/v1/messages", json={"model": "claude-opus-5-5", "stream": True}
                )
                await answer.content.readexactly(len(first))
                answer.close()
                (call,) = await door.calls(1)
                assert (call.fault, call.estimated, call.usage.input_tokens) == (CallFault.ABANDONED, True, 11)
                assert door.session.fault is None

    play(story())


def test_closing_the_door_records_what_is_under_way() -> None:
    async def story() -> None:
        async with RawProvider(hang).running() as raw:
            async with opened(Target(provider(raw.url), "m")) as door:
                asking = asyncio.create_task(door.ask(model="m", messages=["x" * 400]))
                await until(lambda: bool(raw.sent))
                await door.session.close()
                (call,) = door.ear.calls
                assert (call.fault, call.estimated, call.usage.input_tokens >= 100) == (CallFault.ABANDONED, True, True)
                with pytest.raises(aiohttp.ClientError):
                    await asking

    play(story())
