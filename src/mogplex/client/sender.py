"""How a client sends: one request, one answer, and starts that are safe to send again."""

from __future__ import annotations

import uuid
from urllib.parse import quote

from mogplex.client.errors import ApiError, ConnectionFailed, UnusableValue
from mogplex.client.patience import Patience
from mogplex.client.transport import Transport, is_header_value

TYPE_CHECKING = False  # `typing` is for type checkers; importing it costs every command time
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    Json = dict[str, Any]
    Body = Mapping[str, object]

LONGEST_IDEMPOTENCY_KEY = 200
_START_PAUSES_SECONDS = (0.25, 0.5, 1.0, 2.0, 4.0)


class Sender:
    """One server, one key. What is asked of it is told by its subclasses, a noun each."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def _get(self, path: str, **query: Any) -> Json:
        return self._transport.request("GET", path, query=query).read_data()

    def _send(self, method: str, path: str, body: Body | None = None) -> Json:
        answer = self._transport.request(method, path, body=body)
        return answer.read_data() if answer.body else {}

    def _post_once(self, path: str, body: Body, idempotency_key: str | None) -> Json:
        """POST with an idempotency key; after a cut nobody knows whether it arrived, and the key makes asking safe."""
        key = str(uuid.uuid4()) if idempotency_key is None else check_idempotency_key(idempotency_key)
        patience = Patience(None)
        perhaps_there = False
        for pause_seconds in (*_START_PAUSES_SECONDS, None):
            try:
                return self._transport.request("POST", path, body=body, headers={"Idempotency-Key": key}).read_data()
            except (ApiError, ConnectionFailed) as error:
                perhaps_there = perhaps_there or _may_have_arrived(error)
                refused = isinstance(error, ApiError) and not _may_have_arrived(error)
                if pause_seconds is None or refused or not perhaps_there:
                    raise
                patience.sleep(pause_seconds)
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
