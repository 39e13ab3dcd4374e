"""The proxy with real sockets on both sides: what is passed on, and what ends it."""

from __future__ import annotations

import asyncio
import hashlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_network
from typing import Any

import pytest

from mogplex.egress.address import Reach
from mogplex.egress.allowlist import AllowList
from mogplex.egress.authority import Authority
from mogplex.egress.proxy import Proxy, ProxyLimits, Refusal

HOST_ADDRESS = "127.0.0.3"  # plays a public address
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Room:
    """A proxy, and a host behind the name good.test."""

    def __init__(self, proxy: Proxy, proxy_port: int, host_port: int, refusals: list[Refusal]) -> None:
        self.proxy = proxy
        self.host = f"good.test:{host_port}"
        self.refusals = refusals
        self._proxy_port = proxy_port

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self._proxy_port)

    async def say(self, raw: bytes) -> bytes:
        """Everything that comes back for `raw` until the proxy hangs up."""
        reader, writer = await self.open()
        writer.write(raw.replace(b"HOST", self.host.encode()))
        try:
            return await asyncio.wait_for(reader.read(), 20)
        finally:
            writer.close()


@asynccontextmanager
async def make_room(serve: Serve, **limits: Any) -> AsyncIterator[Room]:
    refusals: list[Refusal] = []

    async def refuse(refusal: Refusal) -> None:
        refusals.append(refusal)

    async def resolve(authority: Authority) -> Sequence[str]:
        return [HOST_ADDRESS]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the test hung up
        finally:
            writer.close()

    server = await asyncio.start_server(answer, HOST_ADDRESS, 0)
    host_port = server.sockets[0].getsockname()[1]
    reach = Reach(resolve, (ip_network(f"{HOST_ADDRESS}/32"),))
    proxy = Proxy(AllowList([f"good.test:{host_port}", "dead.test:9"]), refuse, reach, ProxyLimits(**limits))
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    serving = asyncio.create_task(proxy.serve(listener))
    await asyncio.sleep(0)
    try:
        yield Room(proxy, listener.getsockname()[1], host_port, refusals)
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        server.close()


def play(serve: Serve, act: Callable[[Room], Awaitable[Any]], **limits: Any) -> Any:
    async def main() -> Any:
        async with make_room(serve, **limits) as room:
            return await asyncio.wait_for(act(room), 30)

    return asyncio.run(main())


def record(into: list[bytes], answer: bytes, end: bytes = b"\r\n\r\n") -> Serve:
    """A host that reads up to `end`, keeps it, and says `answer`."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        into.append(await reader.readuntil(end))
        writer.write(answer)
        await writer.drain()

    return serve


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def test_a_request_is_written_anew() -> None:
    heads: list[bytes] = []
    asked = (
        b"GET http://HOST/a?b=c HTTP/1.1\r\nHost: HOST\r\nX-Kept: 1\r\nX-Hop: 1\r\nConnection: keep-alive, X-Hop\r\n"
        b"Proxy-Connection: keep-alive\r\nProxy-Authorization: Basic x\r\nTE: trailers\r\nUpgrade: h2c\r\n\r\n"
    )

    async def act(room: Room) -> bytes:
        answer = await room.say(asked)
        assert f"Host: {room.host}".lower().encode() in heads[0].lower()
        assert room.proxy.meter.hosts["good.test"].received == len(OK)
        return answer

    answer = play(record(heads, OK), act)
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"\r\n\r\nok")
    assert heads[0].startswith(b"GET /a?b=c HTTP/1.1\r\n")
    lowered = heads[0].lower()
    assert b"x-kept: 1" in lowered
    for hop in (b"x-hop", b"proxy-", b"te:", b"upgrade", b"keep-alive"):
        assert hop not in lowered


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        (b"Content-Length: 5\r\n\r\nhello", b"\r\n\r\nhello"),
        (
            b"Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
            b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
        ),
    ],
)
def test_bodies_are_passed_on(sent: bytes, found: bytes) -> None:
    heads: list[bytes] = []
    serve = record(heads, OK, end=found[-5:])
    answer = play(serve, lambda room: room.say(b"POST http://HOST/ HTTP/1.1\r\nHost: HOST\r\n" + sent))
    assert answer.endswith(b"ok")
    assert heads[0].endswith(found)


def test_a_client_that_waits_for_100_gets_it() -> None:
    async def act(room: Room) -> bytes:
        reader, writer = await room.open()
        first_line = f"PUT http://{room.host}/ HTTP/1.1\r\nHost: {room.host}\r\n"
        writer.write(first_line.encode() + b"Expect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        first = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"body")
        rest = await reader.read()
        writer.close()
        return first + rest

    heads: list[bytes] = []
    said = play(record(heads, OK, end=b"body"), act)
    assert said.startswith(b"HTTP/1.1 100")
    assert b"HTTP/1.1 200" in said
    assert b"expect" not in heads[0].lower()


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", b"2\r\nok\r\n0\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\n\r\nok", b"2\r\nok\r\n0\r\n\r\n"),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok"),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", b""),
    ],
)
def test_answers_are_passed_back(answer: bytes, body: bytes) -> None:
    said = play(record([], answer), lambda room: room.say(b"GET http://HOST/ HTTP/1.1\r\nHost: HOST\r\n\r\n"))
    assert said.partition(b"\r\n\r\n")[2] == body
    assert b"connection: close" in said.lower()


@pytest.mark.parametrize(
    "answer",
    [
        *[b"", b"nonsense\r\n\r\n", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"],
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000,
    ],
)
def test_an_answer_that_is_none_becomes_502(answer: bytes) -> None:
    said = play(record([], answer), lambda room: room.say(b"GET http://HOST/ HTTP/1.1\r\nHost: HOST\r\n\r\n"))
    assert said.startswith(b"HTTP/1.1 502")


def test_a_response_that_was_cut_does_not_look_whole() -> None:
    async def act(room: Room) -> bytes:
        try:
            return await room.say(b"GET http://HOST/ HTTP/1.1\r\nHost: HOST\r\n\r\n")
        except ConnectionResetError:
            return b""

    said = play(record([], b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), act)
    assert not said.endswith(b"0\r\n\r\n")
    assert said.count(b"HTTP/1.1") <= 1


def test_a_large_body_goes_through_a_tunnel_whole_both_ways() -> None:
    size = 5_000_000
    block = hashlib.sha256(b"x").digest() * (size // 32)

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()

    async def act(room: Room) -> tuple[bytes, Any]:
        reader, writer = await room.open()
        writer.write(f"CONNECT {room.host} HTTP/1.1\r\nHost: {room.host}\r\n\r\nearly".encode())

        async def send() -> None:
            writer.write(block)
            await writer.drain()
            writer.write_eof()

        _, said = await asyncio.gather(send(), reader.read())
        writer.close()
        return said, room.proxy.meter.hosts["good.test"]

    said, traffic = play(echo, act)
    head, _, body = said.partition(b"\r\n\r\n")
    assert head == b"HTTP/1.1 200 Connection established"
    assert body == b"early" + block
    assert (traffic.sent, traffic.received) == (len(body), len(body))


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


@pytest.mark.parametrize(
    "ask", [b"GET http://HOST/ HTTP/1.1\r\nHost: HOST\r\n\r\n", b"CONNECT HOST HTTP/1.1\r\nHost: HOST\r\n\r\n"]
)
def test_silence_ends(ask: bytes) -> None:
    async def act(room: Room) -> bytes:
        try:
            return await room.say(ask)
        except ConnectionResetError:
            return b"reset"

    said = play(silent, act, idle_seconds=0.3)
    assert said.startswith((b"HTTP/1.1 504", b"HTTP/1.1 200", b"reset"))


def test_a_download_is_no_silence_though_nothing_is_sent() -> None:
    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(8):
            writer.write(b"x")
            await asyncio.sleep(0.15)

    said = play(trickle, lambda room: room.say(b"CONNECT HOST HTTP/1.1\r\nHost: HOST\r\n\r\n"), idle_seconds=0.6)
    assert said.endswith(b"x" * 8)


def test_a_host_that_is_not_there_is_502_and_no_refusal() -> None:
    async def act(room: Room) -> tuple[bytes, list[Refusal]]:
        return await room.say(b"CONNECT dead.test:9 HTTP/1.1\r\nHost: dead.test:9\r\n\r\n"), room.refusals

    said, refusals = play(silent, act)
    assert said.startswith(b"HTTP/1.1 502")
    assert b"dead.test:9 cannot be reached" in said
    assert refusals == []


def test_too_many_connections_are_told_so() -> None:
    async def act(room: Room) -> bytes:
        held = [await room.open() for _ in range(3)]
        await asyncio.sleep(0.05)
        said = await room.say(b"GET http://HOST/ HTTP/1.1\r\nHost: HOST\r\n\r\n")
        for _, writer in held:
            writer.close()
        return said

    assert play(silent, act, connections=3).startswith(b"HTTP/1.1 503")


def test_the_bytes_of_a_run_end() -> None:
    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    async def act(room: Room) -> tuple[int, bytes]:
        ask = b"CONNECT HOST HTTP/1.1\r\nHost: HOST\r\n\r\n"
        try:
            poured = len(await room.say(ask))
        except ConnectionResetError:
            poured = 0
        return poured, await room.say(ask)

    poured, after = play(pour, act, total_bytes=1_000_000)
    assert poured < 2_000_000
    assert after.startswith(b"HTTP/1.1 403")
    assert b"1,000,000 bytes" in after


def test_nothing_outlives_the_proxy() -> None:
    async def main() -> list[str]:
        async with make_room(silent) as room:
            reader, writer = await room.open()
            writer.write(f"CONNECT {room.host} HTTP/1.1\r\nHost: {room.host}\r\n\r\n".encode())
            await reader.readuntil(b"\r\n\r\n")
            idle = await room.open()
        with pytest.raises(ConnectionRefusedError):
            await room.open()
        with suppress(ConnectionResetError):  # as good an end as any
            assert await asyncio.wait_for(reader.read(), 5) == b""
        for each in (writer, idle[1]):
            each.close()
        await asyncio.sleep(0.05)
        return [str(task) for task in asyncio.all_tasks() if "_converse" in str(task)]

    assert asyncio.run(main()) == []


def test_a_slow_name_server_is_asked_a_few_things_at_once() -> None:
    asking, most = 0, 0

    async def resolve(authority: Authority) -> Sequence[str]:
        nonlocal asking, most
        asking += 1
        most = max(most, asking)
        await asyncio.sleep(0.02)
        asking -= 1
        return []

    async def refuse(refusal: Refusal) -> None:
        raise AssertionError(refusal)

    async def main() -> list[bytes]:
        proxy = Proxy(AllowList(["*.good.test"]), refuse, Reach(resolve), ProxyLimits(lookups=2))
        listener = socket.create_server(("127.0.0.1", 0))
        listener.setblocking(False)
        serving = asyncio.create_task(proxy.serve(listener))
        room = Room(proxy, listener.getsockname()[1], 0, [])
        asks = [f"CONNECT {letter}.good.test:443 HTTP/1.0\r\n\r\n".encode() for letter in "abcdef"]
        try:
            return await asyncio.gather(*map(room.say, asks))
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)

    said = asyncio.run(main())
    assert all(answer.startswith(b"HTTP/1.1 502") for answer in said)
    assert most == 2
