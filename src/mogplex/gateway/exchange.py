"""One model call, from the question to the last byte of the answer: passed on unchanged, read from a copy."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace

import aiohttp
from aiohttp import web

from mogplex.domain.model import ModelProtocol
from mogplex.domain.model_call import CALL_FAULT_MEANING, CallFault, ModelCall
from mogplex.domain.recording import RecordedCall
from mogplex.domain.usage import Usage
from mogplex.gateway.prices import price_usage
from mogplex.gateway.provider import Target
from mogplex.gateway.reading import Reading, describe_refusal
from mogplex.gateway.refusal import STOP_TRYING, refuse
from mogplex.gateway.upstream import HOP_HEADERS, Answer, Question, Upstream, elapsed_ms

MAX_REFUSAL_BYTES = 64 * 1024
_REQUEST_ID_HEADERS = ("request-id", "x-request-id", "apim-request-id")


class Exchange:
    """Plays one call. Whatever happens, `as_call` tells the truth about it."""

    def __init__(self, question: Question, targets: Sequence[Target], touch: Callable[[], None]) -> None:
        self._question = question
        self._targets = targets
        self._touch = touch
        self._started = time.monotonic()
        self._answer: Answer | None = None
        self._reading: Reading | None = None
        self._refusal = bytearray()
        self._ttft_ms: int | None = None
        self._fault: CallFault | None = None
        self._detail = ""
        self.tap: list[bytes] | None = None  # a copy of the answer, when it is to be kept

    @property
    def protocol(self) -> ModelProtocol:
        return self._question.route.protocol

    @property
    def response(self) -> aiohttp.ClientResponse | None:
        return None if self._answer is None else self._answer.response

    async def play(self, request: web.BaseRequest, upstream: Upstream) -> web.StreamResponse:
        """Ask, and pass the answer on as it comes. Raises CancelledError when the harness went away."""
        self._started = time.monotonic()  # it may have waited for its turn
        try:
            self._answer = answer = await upstream.ask(self._question, self._targets)
            if answer.response is None:
                return self._tell_fault(answer)
            async with answer.response:
                return await self._relay(request, answer, answer.response)
        except (asyncio.CancelledError, ConnectionError):
            self._note(CallFault.ABANDONED)
            raise
        except Exception as fault:
            self._note(CallFault.FAILED, f"inside the gateway: {type(fault).__name__}")
            raise
        finally:
            if self._reading is not None:
                self._reading.close()
                self._judge(self._reading)

    def as_call(self) -> ModelCall:
        """What is known of the call by now."""
        answer, reading = self._answer, self._reading
        target = self._targets[0] if answer is None else answer.target
        usage, estimated = self._usage()
        response = self.response
        cost_usd = price_usage(target, usage, reading.long_cache_writes if reading else 0)
        for silent in () if answer is None else answer.silent:
            lost = replace(self._unread(), model_calls=0)
            lost_usd = price_usage(silent, lost)
            cost_usd = None if cost_usd is None or lost_usd is None else cost_usd + lost_usd
            usage, estimated = usage + lost, True
        return ModelCall(
            provider=target.provider.name,
            model=target.model,
            protocol=self.protocol,
            usage=usage,
            cost_usd=cost_usd,
            duration_ms=elapsed_ms(self._started),
            ttft_ms=self._ttft_ms,
            http_status=None if response is None else response.status,
            fault=self._fault,
            detail=self._detail,
            retries=0 if answer is None else answer.retries,
            request_id=None if response is None else _request_id(response),
            estimated=estimated,
            streamed=self._question.asked.is_streamed,
        )

    def as_recorded(self) -> RecordedCall | None:
        """The call as it can be played again: an answer that ended in good order, or a refusal."""
        response = self.response
        if response is None or self.tap is None or self._fault not in (None, CallFault.REFUSED):
            return None
        return RecordedCall(
            protocol=self.protocol,
            model=self._question.asked.model,
            request=self._question.asked.body.decode("utf-8", "replace"),
            status=response.status,
            content_type=response.headers.get("Content-Type", "application/json"),
            answer=b"".join(self.tap),
        )

    def told_call(self) -> ModelCall | None:
        """The same, once the provider has told what the call used and only its last bytes are under way."""
        reading = self._reading
        return self.as_call() if reading is not None and not reading.is_estimated else None

    def _usage(self) -> tuple[Usage, bool]:
        """Tokens, and whether they are our estimate. A provider that refused, or was not reached, used none."""
        if self._reading is not None:
            return self._reading.usage(), self._reading.is_estimated
        if self._answer is None or self._answer.fault is CallFault.SILENT:
            # It has the question, and may be at work on it for us: what went there is spent.
            return self._unread(), True
        return Usage(model_calls=1), False

    def _unread(self) -> Usage:
        """What a provider has used that took the question and told nothing: at least its input."""
        return Reading(self.protocol, streamed=False, request_bytes=len(self._question.asked.body)).usage()

    async def _relay(
        self, request: web.BaseRequest, answer: Answer, response: aiohttp.ClientResponse
    ) -> web.StreamResponse:
        passed = self._open(answer, response)
        if response.status < 300:
            streamed = "text/event-stream" in response.headers.get("Content-Type", "")
            size = len(self._question.asked.body)
            self._reading = Reading(self.protocol, streamed=streamed, request_bytes=size)
        read = _decoder_of(response)
        idle_seconds = answer.target.provider.patience.idle_seconds
        loop = asyncio.get_running_loop()
        await passed.prepare(request)
        try:
            async with asyncio.timeout(idle_seconds) as deadline:
                async for chunk in response.content.iter_any():
                    await passed.write(chunk)
                    self._take(chunk, read)
                    deadline.reschedule(loop.time() + idle_seconds)
            await passed.write_eof()
        except TimeoutError:
            self._break_off(request, CallFault.STALLED, f"nothing came for {idle_seconds:g} s")
        except aiohttp.ClientError as fault:
            if request.transport is None or request.transport.is_closing():
                raise ConnectionResetError("the harness went away") from fault
            self._break_off(request, CallFault.CUT, str(fault)[:500])
        if response.status >= 300:
            self._note(CallFault.REFUSED, describe_refusal(bytes(self._refusal)))
        return passed

    def _open(self, answer: Answer, response: aiohttp.ClientResponse) -> web.StreamResponse:
        passed = web.StreamResponse(status=response.status, reason=response.reason)
        for name, value in response.headers.items():
            if name.lower() not in HOP_HEADERS:
                passed.headers.add(name, value)
        if response.content_length is not None:
            passed.content_length = response.content_length
        else:
            passed.enable_chunked_encoding()
        if response.status >= 300 and answer.retries:
            passed.headers.update(STOP_TRYING)  # we have tried again already
        return passed

    def _take(self, chunk: bytes, read: Callable[[bytes], bytes]) -> None:
        """Look at the copy of what was just passed on."""
        self._touch()
        if self._ttft_ms is None:
            self._ttft_ms = elapsed_ms(self._started)
        plain = read(chunk)
        if self.tap is not None:
            self.tap.append(plain)
        if self._reading is not None:
            self._reading.feed(plain)
        elif len(self._refusal) < MAX_REFUSAL_BYTES:
            self._refusal += plain

    def _break_off(self, request: web.BaseRequest, fault: CallFault, detail: str) -> None:
        """Let the harness see what we saw: an answer that does not end."""
        self._note(fault, detail)
        if request.transport is not None:
            request.transport.close()

    def _tell_fault(self, answer: Answer) -> web.StreamResponse:
        assert answer.fault is not None
        self._note(answer.fault, answer.detail)
        silent = answer.fault is CallFault.SILENT
        message = f"The model provider {answer.target.provider.name}: {CALL_FAULT_MEANING[answer.fault]}."
        kind = "timeout_error" if silent else "api_error"
        return refuse(self.protocol, 504 if silent else 502, kind, message, retry=not (silent or answer.retries))

    def _judge(self, reading: Reading) -> None:
        """An answer that came with a good status may still not be one."""
        reading.whole = reading.whole or (self._fault is None and reading.finished)
        if self._fault is None and reading.failure is not None:
            self._note(CallFault.FAILED, reading.failure)
        elif self._fault in (None, CallFault.ABANDONED, CallFault.CUT) and reading.whole:
            self._fault, self._detail = None, ""  # all there is was passed on, whatever became of the connection
        elif self._fault is None:
            self._note(CallFault.ENDED_EARLY)

    def _note(self, fault: CallFault, detail: str = "") -> None:
        if self._fault is None:
            self._fault, self._detail = fault, detail


def _request_id(response: aiohttp.ClientResponse) -> str | None:
    return next((response.headers[name] for name in _REQUEST_ID_HEADERS if name in response.headers), None)


def _decoder_of(response: aiohttp.ClientResponse) -> Callable[[bytes], bytes]:
    """For the copy, when a provider compresses although it was asked not to."""
    coding = response.headers.get("Content-Encoding", "identity").lower()
    if coding in ("gzip", "deflate"):
        unpack = zlib.decompressobj(wbits=47 if coding == "gzip" else zlib.MAX_WBITS)

        def read(chunk: bytes) -> bytes:
            try:
                return unpack.decompress(chunk)
            except zlib.error:
                return b""  # the usage stays unknown, and is then estimated

        return read
    return lambda chunk: chunk
