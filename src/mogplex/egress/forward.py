"""One plain HTTP request passed on, and its response passed back. Both are taken apart and written anew, so that no
byte of framing that somebody else made reaches the other side. One request a connection: nothing is left to confuse."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import h11

from mogplex.egress.head import MAX_HEAD_BYTES, Head, Headers, drop_hops
from mogplex.egress.stream import Idle, Stream

_CLOSE = (b"connection", b"close")


class Exchange:
    """The request of `head`, whose body comes from `client`, put to `host`."""

    def __init__(
        self,
        head: Head,
        client: Stream,
        host: Stream,
        idle: Idle,
        sent: Callable[[int], None],
        received: Callable[[int], None],
    ) -> None:
        self._head = head
        self._client = client
        self._host = host
        self._idle = idle
        self._sent = sent
        self._received = received
        self._parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)
        self.answered = False  # whether a part of the response went to the client

    async def play(self) -> None:
        """Raises h11.ProtocolError when one side breaks the protocol, OSError, TimeoutError."""
        assert self._head.target is not None, "a tunnel is not an exchange"
        await self._to_host(h11.Request(method=self._head.method, target=self._head.target, headers=self._headers()))
        upload = asyncio.create_task(self._pass_body())
        try:
            await self._pass_response(upload)
        finally:
            upload.cancel()  # a host may answer before it has read everything, and then wants no more of it
            await asyncio.gather(upload, return_exceptions=True)

    def _headers(self) -> Headers:
        """What the host is asked with: our own Host, framing by what we understood."""
        names = {name for name, _ in self._head.headers}
        authority = self._head.authority
        shown = str(authority) if authority.port != 80 else str(authority).removesuffix(":80")
        kept = [(name, value) for name, value in drop_hops(self._head.headers) if name != b"host"]
        framing = [(b"transfer-encoding", b"chunked")] if b"transfer-encoding" in names else []
        return [(b"host", shown.encode()), *kept, *framing, _CLOSE]

    async def _pass_body(self) -> None:
        if self._head.parser.they_are_waiting_for_100_continue:
            go_on = h11.InformationalResponse(status_code=100, headers=[])
            await self._to_client(go_on)
        while True:
            event = self._head.parser.next_event()
            if event is h11.NEED_DATA:
                data = await self._idle.read(self._client.reader)
                self._head.parser.receive_data(data)
            elif isinstance(event, h11.Data):
                await self._to_host(h11.Data(data=event.data))
            elif isinstance(event, h11.EndOfMessage):
                await self._to_host(h11.EndOfMessage())
                return
            else:
                raise h11.RemoteProtocolError("the client hung up in the middle of its request")

    async def _pass_response(self, upload: asyncio.Task[None]) -> None:
        while True:
            event = self._parser.next_event()
            if event is h11.NEED_DATA:
                data = await self._read_host(upload)
                self._received(len(data))
                self._parser.receive_data(data)
            elif isinstance(event, h11.Response):
                await self._to_client(h11.Response(status_code=event.status_code, headers=_answer(event)))
            elif isinstance(event, h11.Data):
                await self._to_client(h11.Data(data=event.data))
            elif isinstance(event, h11.EndOfMessage):
                await self._to_client(h11.EndOfMessage())
                return
            elif not isinstance(event, h11.InformationalResponse):  # those are for the hop before us
                raise h11.RemoteProtocolError("the host hung up before its response")

    async def _read_host(self, upload: asyncio.Task[None]) -> bytes:
        """The host's next bytes; what goes wrong with the request's body ends the wait."""
        reading = asyncio.ensure_future(self._idle.read(self._host.reader))
        try:
            if not upload.done():
                await asyncio.wait({reading, upload}, return_when=asyncio.FIRST_COMPLETED)
            if upload.done() and upload.exception() is not None and not reading.done():
                upload.result()
            return await reading
        finally:
            reading.cancel()

    async def _to_host(self, event: h11.Event) -> None:
        data = self._parser.send(event)
        if data:
            self._sent(len(data))
            await self._idle.write(self._host.writer, data)

    async def _to_client(self, event: h11.Event) -> None:
        self.answered = self.answered or isinstance(event, h11.Response)
        data = self._head.parser.send(event)
        if data:
            await self._idle.write(self._client.writer, data)


def _answer(response: h11.Response) -> Headers:
    """The headers of the answer. h11 adds chunking by itself; where it was chunked, no length may stand."""
    names = {name for name, _ in response.headers}
    dropped = {b"content-length"} if b"transfer-encoding" in names else set()
    return [*((name, value) for name, value in drop_hops(response.headers) if name not in dropped), _CLOSE]
