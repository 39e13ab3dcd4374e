"""Asking a provider: the real key, its patience, repetitions before the first byte, and the next provider in line."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from mogplex.domain.event import EventDraft, EventType
from mogplex.domain.model import ModelProtocol
from mogplex.domain.model_call import CALL_FAULT_MEANING, CallFault
from mogplex.gateway.asked import Asked, Route
from mogplex.gateway.provider import Patience, Target

# Of one connection only, or ours to decide: never passed on.
HOP_HEADERS = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer"}
    | {"transfer-encoding", "upgrade", "content-length", "expect"}
)
# What the sandbox sends in these is worth nothing: no key is in there.
_SANDBOX_HEADERS = HOP_HEADERS | {
    "host", "authorization", "x-api-key", "api-key", "x-goog-api-key", "accept-encoding", "content-encoding",
}  # fmt: skip
_LONG_BODY_BYTES = 1 << 20
_NOT_ADDED = ("User-Agent", "Accept", "Content-Type")
_WORTH_ANOTHER_PROVIDER = frozenset({401, 402, 403, 404, 408, 429})


@dataclass(frozen=True, slots=True)
class Question:
    """A request as it came from the sandbox. `headers` in the order and spelling they had."""

    route: Route
    asked: Asked
    headers: Sequence[tuple[str, str]]
    query: str


@dataclass(slots=True)
class Answer:
    """An open response, to be read and closed; or the fault for which there is none."""

    target: Target
    response: aiohttp.ClientResponse | None = None
    fault: CallFault | None = None
    detail: str = ""
    retries: int = 0  # how many requests were sent before the one that this is the answer to
    silent: tuple[
        Target, ...
    ] = ()  # who took the question before and gave no answer in time: they may be at work on it


class Upstream:
    """Asks on one client session. `tell` gets a `model_retry` event before each further request."""

    def __init__(self, client: aiohttp.ClientSession, tell: Callable[[EventDraft], None]) -> None:
        self._client = client
        self._tell = tell

    async def ask(self, question: Question, targets: Sequence[Target]) -> Answer:
        """The first answer that is worth passing on, or the last one there was."""
        retries = 0
        silent: tuple[Target, ...] = ()
        for place, target in enumerate(targets):
            patience = target.provider.patience
            is_last = place == len(targets) - 1
            for attempt in range(1 + patience.retries):
                answer = await self._ask_once(question, target)
                answer.retries, answer.silent = retries, silent
                wait_seconds = _wait_before_retry(answer, attempt, patience)
                if wait_seconds is None:
                    break
                retries += 1
                self._tell(_retry_draft(answer, retries, wait_seconds))
                if answer.response is not None:
                    answer.response.close()
                await asyncio.sleep(wait_seconds)
            if is_last or not _may_go_elsewhere(answer):
                return answer
            retries += 1
            if answer.fault is CallFault.SILENT:
                silent = (*silent, target)
            self._tell(_retry_draft(answer, retries, 0.0, targets[place + 1]))
            if answer.response is not None:
                answer.response.close()
        raise AssertionError("unreachable: a plan has at least one target")

    async def _ask_once(self, question: Question, target: Target) -> Answer:
        provider, protocol = target.provider, question.route.protocol
        headers = CIMultiDict((n, v) for n, v in question.headers if n.lower() not in _SANDBOX_HEADERS)
        headers.extend({**provider.headers, **provider.key_headers(protocol), "Accept-Encoding": "identity"})
        url = URL(
            provider.url_of(protocol, question.route.tail) + _query_of(question.query, provider.query), encoded=True
        )
        body = await _body_for(question.asked, target.model, protocol)
        try:
            async with asyncio.timeout(provider.patience.first_byte_seconds):
                response = await self._client.request(
                    "POST",
                    url,
                    headers=headers,
                    data=_payload_of(body),
                    skip_auto_headers=_NOT_ADDED,
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(total=None, sock_connect=provider.patience.connect_seconds),
                )
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as fault:
            return Answer(target, fault=CallFault.UNREACHABLE, detail=_describe(fault, provider.base_url))
        except (aiohttp.ClientError, ConnectionError) as fault:
            return Answer(target, fault=CallFault.RESET, detail=_describe(fault, provider.base_url))
        except TimeoutError:
            seconds = provider.patience.first_byte_seconds
            return Answer(target, fault=CallFault.SILENT, detail=f"no answer from {url.host} within {seconds:g} s")
        return Answer(target, response)


async def _body_for(asked: Asked, model: str, protocol: ModelProtocol) -> bytes:
    if len(asked.body) < _LONG_BODY_BYTES:
        return asked.body_for(model, protocol)
    return await asyncio.to_thread(asked.body_for, model, protocol)


def _payload_of(body: bytes) -> aiohttp.Payload:
    """aiohttp warns of long bytes, which it writes at once; those it takes as a file."""
    return aiohttp.BytesPayload(body) if len(body) < _LONG_BODY_BYTES else aiohttp.BytesIOPayload(io.BytesIO(body))


def _wait_before_retry(answer: Answer, attempt: int, patience: Patience) -> float | None:
    """Seconds after which the same provider may be asked again; None: not again."""
    if attempt >= patience.retries or answer.fault is CallFault.SILENT:
        return None
    pause_seconds: float = patience.first_pause_seconds * 2**attempt
    response = answer.response
    if response is None:
        return pause_seconds
    if response.headers.get("x-should-retry", "").lower() == "false":
        return None
    told = _retry_after(response.headers.get("Retry-After", ""))
    if response.status == 429 and told is None:
        return None
    if response.status != 429 and response.status < 500:
        return None
    wait_seconds = pause_seconds if told is None else told
    return wait_seconds if wait_seconds <= patience.longest_wait_seconds else None


def _may_go_elsewhere(answer: Answer) -> bool:
    """A request that the provider found wrong would be wrong at the next one too."""
    response = answer.response
    return response is None or response.status >= 500 or response.status in _WORTH_ANOTHER_PROVIDER


def _retry_after(text: str) -> float | None:
    """Seconds. The other form, a date, is used by no provider of models; it counts as not told."""
    try:
        return max(float(text), 0.0)
    except ValueError:
        return None


def _retry_draft(answer: Answer, number: int, wait_seconds: float, target: Target | None = None) -> EventDraft:
    status = None if answer.response is None else answer.response.status
    why = f"answered {status}" if answer.fault is None else CALL_FAULT_MEANING[answer.fault]
    place = answer.target if target is None else target
    payload = {
        "status": status,
        "fault": answer.fault,
        "attempt": number,
        "waitMs": round(wait_seconds * 1000),
        "provider": place.provider.name,
        "model": place.model,
    }
    then = f"asking again in {wait_seconds:g} s" if target is None else f"asking {place.provider.name} instead"
    return EventDraft(EventType.MODEL_RETRY, f"{answer.target.provider.name}: {why}; {then}", payload=payload)


def _query_of(query: str, more: Mapping[str, str]) -> str:
    parts = [part for part in (query, urlencode(more)) if part]
    return f"?{'&'.join(parts)}" if parts else ""


def _describe(fault: Exception, place: str) -> str:
    return f"{place}: {fault or type(fault).__name__}"[:500]


def elapsed_ms(since: float) -> int:
    """Milliseconds from `since`, a time of `time.monotonic`."""
    return round((time.monotonic() - since) * 1000)
