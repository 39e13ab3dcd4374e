"""How a client sends: one request, one answer, and starts that are safe to send again.

Written once, as coroutines, for both clients: what they await is the transport alone. That of `Client` never suspends
(see blocking.py), that of `AsyncClient` is aiohttp.
"""

from __future__ import annotations

import uuid
from urllib.parse import quote

from mogplex.client.errors import ApiError, ConnectionFailed, UnusableValue
from mogplex.client.patience import choose_pause
from mogplex.client.wire import is_header_value

TYPE_CHECKING = False  # `typing` is for type checkers; importing it costs every command time
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Protocol

    from mogplex.client.wire import Response

    Json = dict[str, Any]
    Body = Mapping[str, object]

    class LineStream(Protocol):
        async def read_line(self, timeout_seconds: float) -> bytes: ...

        async def close(self) -> None: ...

    class Carrier(Protocol):
        """What carries requests: see transport.py for what each does and raises."""

        async def request(
            self,
            method: str,
            path: str,
            *,
            query: Mapping[str, Any] | None = None,
            body: Mapping[str, object] | None = None,
            headers: Mapping[str, str] | None = None,
            extra_seconds: float = 0.0,
        ) -> Response: ...

        async def open_stream(self, path: str, headers: Mapping[str, str], timeout_seconds: float) -> LineStream: ...

        async def sleep(self, seconds: float) -> None: ...


LONGEST_IDEMPOTENCY_KEY = 200
_START_PAUSES_SECONDS = (0.25, 0.5, 1.0, 2.0, 4.0)
_SAFE_METHODS = frozenset({"GET", "PUT", "DELETE"})


class Sender:
    """One server, one key. What is asked of it is told by its subclasses, a noun each."""

    def __init__(self, carrier: Carrier, retry_seconds: float) -> None:
        self._carrier = carrier
        self._retry_seconds = retry_seconds

    async def _request(self, method: str, path: str, *, safe: bool = False, **parts: Any) -> Response:
        """One request; a refusal that says when to come back is waited for, `retry_seconds` in all."""
        left_seconds = self._retry_seconds
        while True:
            try:
                return await self._carrier.request(method, path, **parts)
            except ApiError as error:
                pause = choose_pause(error, left_seconds, safe=safe or method in _SAFE_METHODS)
                if pause is None:
                    raise
            left_seconds -= pause
            await self._carrier.sleep(pause)

    async def _get(self, path: str, **query: Any) -> Json:
        return (await self._request("GET", path, query=query)).read_data()

    async def _send(self, method: str, path: str, body: Body | None = None) -> Json:
        answer = await self._request(method, path, body=body)
        return answer.read_data() if answer.body else {}

    async def _post_once(self, path: str, body: Body, idempotency_key: str | None) -> Json:
        """POST with an idempotency key; after a cut nobody knows whether it arrived, and the key makes asking safe."""
        key = str(uuid.uuid4()) if idempotency_key is None else check_idempotency_key(idempotency_key)
        perhaps_there = False
        for pause_seconds in (*_START_PAUSES_SECONDS, None):
            try:
                headers = {"Idempotency-Key": key}
                return (await self._request("POST", path, safe=True, body=body, headers=headers)).read_data()
            except (ApiError, ConnectionFailed) as error:
                perhaps_there = perhaps_there or _may_have_arrived(error)
                refused = isinstance(error, ApiError) and not _may_have_arrived(error)
                if pause_seconds is None or refused or not perhaps_there:
                    raise
                await self._carrier.sleep(pause_seconds)
        raise AssertionError("the last round returns or raises")


def check_idempotency_key(key: str) -> str:
    """`key` without surrounding blanks. Raises UnusableValue when it can't be sent."""
    trimmed = key.strip()
    if not trimmed or len(trimmed) > LONGEST_IDEMPOTENCY_KEY:
        raise UnusableValue(f"the idempotency key has {len(trimmed)} characters: use 1 to {LONGEST_IDEMPOTENCY_KEY}")
    if not is_header_value(trimmed.replace(" ", "_")):
        raise UnusableValue(f"the idempotency key {trimmed!r} holds characters a header can't carry: use visible ASCII")
    return trimmed


def _may_have_arrived(error: ApiError | ConnectionFailed) -> bool:
    if isinstance(error, ConnectionFailed):
        return error.sent and not error.silent
    return error.http_status in (502, 504)  # said by a proxy that lost the server


def segment(identifier: str) -> str:
    """One part of a path. An empty one would ask for the whole list instead."""
    if not identifier.strip():
        raise UnusableValue("an id is empty")
    return quote(identifier.strip(), safe="")


def inner(data: Json, name: str) -> Json:
    found = data.get(name)
    return found if isinstance(found, dict) else data
