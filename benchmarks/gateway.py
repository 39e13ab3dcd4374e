"""What the model gateway adds to a direct connection: per request, per chunk, and at full speed; side by side.

    nice -n 10 .venv/bin/python benchmarks/gateway.py

Provider, gateway and client are a process each. The provider stamps every record when it writes it, and the client
compares with its own clock, which is the same one. Rounds alternate, so that a busy machine is busy for both.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import multiprocessing
import socket
import statistics
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import aiohttp
from aiohttp import web

from mogplex.domain.budget import Budget
from mogplex.domain.event import EventDraft
from mogplex.domain.model import ModelEndpoint, ModelProtocol
from mogplex.domain.model_call import CallTotals, ModelCall
from mogplex.gateway.meter import Meter
from mogplex.gateway.prices import load
from mogplex.gateway.provider import ModelPlan, Provider, Target
from mogplex.gateway.session import Session

MODEL = "claude-opus-5-5"
PAD = "x" * 120  # a record is about 200 bytes, as those of real streams
LINE = "Please look at this file. "
SIZES = (2_000, 40_000)  # bytes of a request: a short one, and a coding agent's first


class DeafEar:
    """The cheapest ear: what the worker does with a call is not the gateway's price."""

    def touch(self) -> None: ...

    def tell(self, draft: EventDraft) -> None: ...

    def tell_call(self, call: ModelCall) -> None: ...

    def refuse(self, detail: str) -> None: ...


def serve_provider(pipe: Connection) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        usage = {"input_tokens": 10, "output_tokens": 5}
        if not asked["stream"]:
            return web.json_response({"type": "message", "usage": usage})
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(_record({"type": "message_start", "message": {"usage": usage}}))
        for _ in range(asked["chunks"]):
            if asked["pace"]:
                await asyncio.sleep(asked["pace"])
            delta = {"type": "content_block_delta", "delta": {"text": PAD}, "t": time.monotonic_ns()}
            await response.write(_record(delta))
        await response.write(_record({"type": "message_delta", "usage": usage}) + _record({"type": "message_stop"}))
        await response.write_eof()
        return response

    async def run() -> None:
        app = web.Application(client_max_size=1 << 26)
        app.router.add_post("/v1/messages", answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.SockSite(runner, socket.create_server(("127.0.0.1", 0), backlog=512))
        await site.start()
        pipe.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(run())


def serve_gateway(pipe: Connection, provider_port: int) -> None:
    async def run() -> None:
        load()
        place = Provider("bench", (ModelProtocol.MESSAGES,), f"http://127.0.0.1:{provider_port}", key="k" * 20)
        plan = ModelPlan(ModelProtocol.MESSAGES, (Target(place, MODEL),))
        endpoint = ModelEndpoint("http://127.0.0.1", ModelProtocol.MESSAGES, MODEL)
        session = Session(plan, endpoint, Meter(Budget(), CallTotals()), DeafEar())
        await session.open()
        listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        pipe.send(listener.getsockname()[1])
        session.serve(listener)
        await asyncio.Event().wait()

    asyncio.run(run())


def _record(value: dict[str, Any]) -> bytes:
    return f"event: {value['type']}\ndata: {json.dumps(value)}\n\n".encode()


def start(target: Callable[..., None], *arguments: Any) -> tuple[multiprocessing.process.BaseProcess, int]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=target, args=(theirs, *arguments), daemon=True)
    process.start()
    return process, int(ours.recv())


class Client:
    def __init__(self, session: aiohttp.ClientSession, port: int) -> None:
        self._session = session
        self._url = f"http://127.0.0.1:{port}/v1/messages"

    async def ask(self, size: int) -> float:
        """Seconds of one request of `size` bytes that is not streamed."""
        prompt = LINE * (size // len(LINE))
        body = {"model": MODEL, "stream": False, "messages": [{"role": "user", "content": prompt}]}
        began = time.perf_counter()
        async with self._session.post(self._url, json=body) as answer:
            await answer.read()
            assert answer.status == 200, answer.status
        return time.perf_counter() - began

    async def listen(self, chunks: int, pace: float) -> tuple[list[float], int]:
        """Milliseconds that each record was on its way, and how many came only after the next had been written."""
        body = {"model": MODEL, "stream": True, "chunks": chunks, "pace": pace, "messages": []}
        late, rest = 0, b""
        stamps: list[tuple[int, int]] = []
        async with self._session.post(self._url, json=body) as answer:
            async for data in answer.content.iter_any():
                now = time.monotonic_ns()
                *lines, rest = (rest + data).split(b"\n")
                stamps += [(int(line.rsplit(b" ", 1)[1][:-1]), now) for line in lines if b'"t": ' in line]
        assert len(stamps) == chunks, f"{len(stamps)} of {chunks} records came"
        for (_, seen), (following, _) in itertools.pairwise(stamps):
            late += seen > following
        return [(seen - sent) / 1e6 for sent, seen in stamps], late


async def measure_requests(client: Client, number: int, at_once: int, size: int) -> tuple[list[float], float]:
    """Milliseconds of each request, and requests a second."""
    latencies: list[float] = []

    async def work(count: int) -> None:
        for _ in range(count):
            latencies.append(await client.ask(size) * 1000)

    began = time.perf_counter()
    await asyncio.gather(*(work(number // at_once) for _ in range(at_once)))
    return latencies, len(latencies) / (time.perf_counter() - began)


async def measure_chunks(client: Client, streams: int, chunks: int, pace: float) -> tuple[list[float], int, float]:
    """Milliseconds of each record, late ones, records a second."""
    began = time.perf_counter()
    found = await asyncio.gather(*(client.listen(chunks, pace) for _ in range(streams)))
    seconds = time.perf_counter() - began
    latencies = [each for times, _ in found for each in times]
    return latencies, sum(late for _, late in found), len(latencies) / seconds


def show(name: str, direct: float, through: float, unit: str) -> None:
    ratio = through / direct if direct else float("nan")
    print(f"{name:<44} {direct:>10.3f} {through:>10.3f} {through - direct:>+10.3f}  x{ratio:.2f}  {unit}")


def quantile(values: list[float], share: float) -> float:
    return statistics.quantiles(values, n=100)[round(share * 100) - 1]


async def compare(direct: Client, gateway: Client, rounds: int) -> None:
    sides = (direct, gateway)
    for client in sides:
        await measure_requests(client, 100, 1, SIZES[1])
        await measure_chunks(client, 2, 50, 0.0)
    print(f"{'':<44} {'direct':>10} {'gateway':>10} {'added':>10}")
    for at_once, size in itertools.product((1, 50), SIZES):
        times: list[list[float]] = [[], []]
        rates: list[list[float]] = [[], []]
        for _ in range(rounds):
            for side, client in enumerate(sides):
                found, rate = await measure_requests(client, 200 if at_once == 1 else 500, at_once, size)
                times[side] += found
                rates[side].append(rate)
        for share in (0.5, 0.95):
            name = f"request p{share * 100:.0f}, {size // 1000} KB, {at_once} at once"
            show(name, quantile(times[0], share), quantile(times[1], share), "ms")
        show(
            f"requests/s, {size // 1000} KB, {at_once} at once",
            statistics.median(rates[0]),
            statistics.median(rates[1]),
            "1/s",
        )
    for streams in (1, 50):
        times, lates = [[], []], [0, 0]
        for _ in range(rounds):
            for side, client in enumerate(sides):
                found, late, _ = await measure_chunks(client, streams, 100, 0.02)
                times[side] += found
                lates[side] += late
        for share in (0.5, 0.95):
            name = f"chunk p{share * 100:.0f}, {streams} streams, one each 20 ms"
            show(name, quantile(times[0], share), quantile(times[1], share), "ms")
        print(f"{'  came after the next was written':<44} {lates[0]:>10} {lates[1]:>10}   of {len(times[1])}")
    for streams in (1, 50):
        rates = [[], []]
        for _ in range(rounds):
            for side, client in enumerate(sides):
                rates[side].append((await measure_chunks(client, streams, 4000 // streams, 0.0))[2])
        show(f"chunks/s, {streams} streams, no pause", statistics.median(rates[0]), statistics.median(rates[1]), "1/s")


async def run(rounds: int) -> None:
    provider, provider_port = start(serve_provider)
    gateway, gateway_port = start(serve_gateway, provider_port)
    try:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:
            await compare(Client(session, provider_port), Client(session, gateway_port), rounds)
    finally:
        for process in (gateway, provider):
            process.terminate()
            process.join()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5)
    asyncio.run(run(parser.parse_args().rounds))
