"""A provider that answers byte for byte what a test gives it, and remembers what it was sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

Writer = asyncio.StreamWriter
Answer = Callable[[Writer], Awaitable[None]]


@dataclass(frozen=True)
class Sent:
    line: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


class RawProvider:
    """Plays `answers` in turn, the last one for ever."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.sent: list[Sent] = []
        self.url = ""
        self._serving: set[asyncio.Task[Any]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[RawProvider]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        try:
            yield self
        finally:
            server.close()
            for task in self._serving:
                task.cancel()
            await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            await self._answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the gateway let go, as some tests want it to
        finally:
            writer.transport.abort()
            self._serving.discard(task)

    async def _answer(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in head[1:] if line)]
        length = int(next(value for name, value in headers if name.lower() == "content-length"))
        self.sent.append(Sent(head[0], headers, await reader.readexactly(length)))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        await answer(writer)
        writer.close()
        await writer.wait_closed()


def plain(status: int, body: bytes | dict[str, Any], *headers: str) -> Answer:
    """A whole answer with a length."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()

    async def answer(writer: Writer) -> None:
        lines = [f"HTTP/1.1 {status} Status", f"Content-Length: {len(raw)}", "Content-Type: application/json", *headers]
        writer.write("\r\n".join([*lines, "Connection: close", "", ""]).encode() + raw)
        await writer.drain()

    return answer


def stream(*records: bytes, then: Answer | None = None, gate: asyncio.Event | None = None) -> Answer:
    """A chunked stream of `records`, then its end unless `then` does something else. `gate` is awaited between."""

    async def answer(writer: Writer) -> None:
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\nrequest-id: req_1\r\n"
        )
        writer.write((head + "X-Unknown: kept\r\nConnection: close\r\n\r\n").encode())
        for record in records:
            writer.write(b"%x\r\n%b\r\n" % (len(record), record))
            await writer.drain()
            if gate is not None:
                await gate.wait()
                gate.clear()
        await (then or end)(writer)

    return answer


async def end(writer: Writer) -> None:
    writer.write(b"0\r\n\r\n")
    await writer.drain()


async def reset(writer: Writer) -> None:
    writer.transport.abort()


async def cut(writer: Writer) -> None:
    writer.close()


async def hang(writer: Writer) -> None:
    await asyncio.sleep(3600)
