"""Bodies: what is read, and how everything else is refused. The decoder alone, and through the server."""

from __future__ import annotations

import asyncio
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from mogplex.api import body
from mogplex.api.body import MAX_BODY_BYTES, MAX_DEPTH, decode_object
from mogplex.domain.errors import BadRequest
from tests.api.door import Door

SOME_KEY = {"Idempotency-Key": "k"}


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"{", "Invalid JSON"),
        (b"{'a': 1}", "Invalid JSON"),
        (b'{"a": 1} x', "Invalid JSON"),
        (b"null", "not null"),
        (b"[]", "a list"),
        (b'"text"', "a string"),
        (b"12", "a number"),
        (b"true", "a boolean"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": Infinity}', "Infinity"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b'{"a": 1e999}', "too large"),
        (b'{"a": 9223372036854775808}', "too large"),
        (b'{"a": ' + b"9" * 5000 + b"}", "too large"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b'{"a": "\xff"}', "UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "UTF-8"),
        (b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1), "deep"),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "deep"),
        (b"[" * 1_000_000, "deep"),
    ],
)
def test_decoder_says_what_is_wrong(body: bytes, word: str) -> None:
    with pytest.raises(BadRequest) as caught:
        decode_object(body)
    assert word in caught.value.message
    assert len(caught.value.message) < 300


def test_decoder_takes_what_is_right() -> None:
    assert decode_object(b'\xef\xbb\xbf{"a": [1, -2.5e3, "\\ud83d\\ude00"]}') == {"a": [1, -2500.0, "😀"]}
    assert decode_object(b" ", optional=True) == {}
    deepest = b'{"a":' * MAX_DEPTH + b"1" + b"}" * MAX_DEPTH
    assert decode_object(deepest)


@given(st.binary(max_size=200))
def test_decoder_never_fails_otherwise(body: bytes) -> None:
    try:
        assert isinstance(decode_object(body), dict)
    except BadRequest as fault:
        assert fault.message


_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.text()
    | st.floats(allow_nan=False).filter(math.isfinite),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), _values))
def test_decoder_reads_back_what_was_written(value: dict[str, object]) -> None:
    assert decode_object(json.dumps(value).encode()) == value


@pytest.mark.parametrize("body", [b"null", b"[]", b"{", b'{"a": NaN}', b"[" * 100_000, b'{"\\ud800": 1}'])
def test_bad_bodies_are_400_in_the_envelope(shared_door: Door, body: bytes) -> None:
    for path in ("/runs", "/repos", "/keys"):
        shared_door.send("POST", path, headers=SOME_KEY, raw=body).refused(400, "BAD_REQUEST")


def test_too_large_is_413_announced_or_not(shared_door: Door) -> None:
    large = b'{"prompt": "' + b"x" * (11 * 1024 * 1024) + b'"}'
    assert f"{MAX_BODY_BYTES:,}" in shared_door.send("POST", "/runs", headers=SOME_KEY, raw=large).refused(
        413, "BAD_REQUEST"
    )
    connection = shared_door.connect()
    try:
        pieces = (large[start : start + 65536] for start in range(0, len(large), 65536))
        headers = {"Authorization": f"Bearer {shared_door.key}", "Content-Type": "application/json", **SOME_KEY}
        connection.request("POST", "/api/v1/mogplex/runs", pieces, headers, encode_chunked=True)
        assert connection.getresponse().status == 413
    finally:
        connection.close()


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
)
def test_other_kinds_are_415(shared_door: Door, headers: dict[str, str]) -> None:
    shared_door.send("POST", "/runs", headers={**SOME_KEY, **headers}, raw=b"{}").refused(415, "BAD_REQUEST")


@pytest.mark.parametrize("kind", ["application/json; charset=UTF-8", "application/problem+json", "Application/JSON"])
def test_json_by_other_names_is_read(shared_door: Door, kind: str) -> None:
    message = shared_door.send("POST", "/runs", headers={**SOME_KEY, "Content-Type": kind}, raw=b"{}").refused(
        400, "BAD_REQUEST"
    )
    assert "repoId is required" in message


def test_a_slow_body_is_waited_for_without_holding_others_up(shared_door: Door) -> None:
    connection = shared_door.connect()
    try:
        connection.putrequest("POST", "/api/v1/mogplex/runs")
        for name, value in {"Authorization": f"Bearer {shared_door.key}", "Content-Length": "2", **SOME_KEY}.items():
            connection.putheader(name, value)
        connection.endheaders(b"{")
        assert shared_door.get("/me").status == 200
        connection.send(b"}")
        assert connection.getresponse().status == 400
    finally:
        connection.close()


def test_a_client_that_leaves_while_sending_harms_nobody(door: Door) -> None:
    for _ in range(5):
        connection = door.connect()
        connection.putrequest("POST", "/api/v1/mogplex/runs")
        for name, value in {"Authorization": f"Bearer {door.key}", "Content-Length": "100", **SOME_KEY}.items():
            connection.putheader(name, value)
        connection.endheaders(b"{")
        connection.close()
    assert door.get("/runs").data["runs"] == []


def test_a_body_that_drips_comes_to_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "BODY_SECONDS", 0.3)

    async def drip() -> dict[str, object]:
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b" ", "more_body": True}

    with pytest.raises(BadRequest, match=r"took too long|stopped arriving"):
        asyncio.run(asyncio.wait_for(body.read_body(Headers({}), drip), 30))
