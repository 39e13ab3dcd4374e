"""Request bodies: read within bounds, decoded strictly. Whatever is wrong is a clear 400, 413 or 415, never a 500."""

from __future__ import annotations

import asyncio
import json
import math
import time
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from mogplex.domain.errors import BadRequest
from mogplex.domain.fields import kind_of

MAX_BODY_BYTES = 10 * 1024 * 1024
MAX_DEPTH = 64
INTEGERS = range(-(2**63), 2**63)  # what a database column and most other programs can hold
SILENCE_SECONDS = 30.0  # between two pieces of a body
BODY_SECONDS = 120.0  # from the head to the end of the body: a client that drips may not keep a connection for itself


async def read_body(headers: Headers, receive: Receive, limit_bytes: int = MAX_BODY_BYTES) -> bytes:
    """The raw body. Raises BadRequest when it is too large, not JSON by its own account, or stops arriving."""
    announced = headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > limit_bytes:
        raise _too_large(limit_bytes)
    pieces: list[bytes] = []
    size_bytes = 0
    end = time.monotonic() + BODY_SECONDS
    while True:
        left_seconds = end - time.monotonic()
        if left_seconds <= 0:
            raise BadRequest(f"The body took too long: it must be here within {BODY_SECONDS:.0f} s.")
        try:
            message = await asyncio.wait_for(receive(), min(SILENCE_SECONDS, left_seconds))
        except TimeoutError as fault:
            raise BadRequest(f"The body stopped arriving: nothing came for {SILENCE_SECONDS:.0f} s.") from fault
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        piece = message.get("body", b"")
        size_bytes += len(piece)
        if size_bytes > limit_bytes:
            raise _too_large(limit_bytes)
        pieces.append(piece)
        if not message.get("more_body", False):
            break
    body = b"".join(pieces)
    if body:
        _check_kind(headers)
    return body


def _too_large(limit_bytes: int) -> BadRequest:
    return BadRequest(f"The body is too large: at most {limit_bytes:,} bytes are read.", http_status=413)


def _check_kind(headers: Headers) -> None:
    """A missing Content-Type is taken for JSON: no browser sends a key by itself, so nothing is won by refusing it."""
    kind, _, rest = headers.get("content-type", "application/json").partition(";")
    kind = kind.strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise BadRequest(
            f"The body is {kind[:60]!r}: send JSON with 'Content-Type: application/json'.", http_status=415
        )
    charset = rest.lower().replace(" ", "").replace('"', "")
    if "charset=" in charset and "charset=utf-8" not in charset and "charset=us-ascii" not in charset:
        raise BadRequest("The body is in another charset than UTF-8: JSON is sent as UTF-8.", http_status=415)
    coding = headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("identity", ""):
        raise BadRequest(f"The body is encoded as {coding[:60]!r}: send it plain.", http_status=415)


def decode_object(body: bytes, *, optional: bool = False) -> dict[str, Any]:
    """The JSON object in `body`; {} for an empty one if `optional`. Raises BadRequest. Takes CPU: not for the loop."""
    if not body.strip():
        if optional:
            return {}
        raise BadRequest("The body is empty: send a JSON object.")
    try:
        text = body.decode("utf-8-sig")  # some shells put a byte-order mark first
        value = json.loads(
            text,
            parse_constant=_refuse_constant,
            parse_int=_read_integer,
            parse_float=_read_float,
            object_pairs_hook=_read_pairs,
        )
    except UnicodeDecodeError as fault:
        raise BadRequest(f"Invalid JSON body: byte {fault.start} is not UTF-8.") from fault
    except json.JSONDecodeError as fault:
        raise BadRequest(f"Invalid JSON body: {fault.msg} (line {fault.lineno}, column {fault.colno}).") from fault
    except RecursionError as fault:
        raise _too_deep() from fault
    if not isinstance(value, dict):
        raise BadRequest(f"The body must be a JSON object, not {kind_of(value)}.")
    _check_depth(value)
    return value


def _too_deep() -> BadRequest:
    return BadRequest(f"Invalid JSON body: it is nested more than {MAX_DEPTH} levels deep.")


def _check_depth(value: Any) -> None:
    """Without recursion: what comes later (hashing, storing) recurses, and must not be the one to find out."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for each in level
            for inner in (each.values() if isinstance(each, dict) else each)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return
    raise _too_deep()


def _refuse_constant(name: str) -> Any:
    raise BadRequest(f"Invalid JSON body: {name} is not a JSON number.")


def _read_integer(digits: str) -> int:
    if len(digits) > 20 or int(digits) not in INTEGERS:
        raise BadRequest(f"Invalid JSON body: the number {digits[:20]}… is too large (64 bits).")
    return int(digits)


def _read_float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise BadRequest(f"Invalid JSON body: the number {digits[:20]} is too large.")
    return number


def _read_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two fields of one name: taking either would be a guess."""
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise BadRequest(f"Invalid JSON body: the field {twice[:60]!r} is there twice.")
    return found
