"""However an answer is cut into chunks, the same is read from it."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mogplex.domain.model import ModelProtocol
from mogplex.domain.usage import Usage
from mogplex.gateway.reading import Reading, describe_refusal

STREAMS: dict[ModelProtocol, list[dict[str, Any]]] = {
    ModelProtocol.RESPONSES: [
        {"type": "response.created", "response": {"usage": None}},
        {"type": "response.output_text.delta", "delta": "häll\no"},
        {
            "type": "response.completed",
            "response": {
                "usage": {
                    "input_tokens": 130,
                    "input_tokens_details": {"cached_tokens": 30, "cache_write_tokens": 10},
                    "output_tokens": 20,
                    "output_tokens_details": {"reasoning_tokens": 5},
                }
            },
        },
    ],
    ModelProtocol.CHAT: [
        {"choices": [{"delta": {"content": "hello"}}], "usage": None},
        {"choices": [{"delta": {}, "finish_reason": "stop"}]},
        {
            "choices": [],
            "usage": {
                "prompt_tokens": 130,
                "prompt_tokens_details": {"cached_tokens": 30, "cache_write_tokens": 10},
                "completion_tokens": 20,
                "completion_tokens_details": {"reasoning_tokens": 5},
            },
        },
    ],
    ModelProtocol.MESSAGES: [
        {
            "type": "message_start",
            "message": {
                "usage": {
                    "input_tokens": 90,
                    "cache_read_input_tokens": 30,
                    "cache_creation_input_tokens": 10,
                    "cache_creation": {"ephemeral_1h_input_tokens": 4},
                    "output_tokens": 1,
                }
            },
        },
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "hello"}},
        {"type": "message_delta", "usage": {"output_tokens": 20}},
        {"type": "message_stop"},
    ],
}


def encode(records: list[dict[str, Any]], line_end: str = "\n") -> bytes:
    return "".join(f"event: e{line_end}data: {json.dumps(each)}{line_end}{line_end}" for each in records).encode()


def read(protocol: ModelProtocol, chunks: list[bytes], *, streamed: bool = True) -> Reading:
    reading = Reading(protocol, streamed=streamed, request_bytes=400)
    for chunk in chunks:
        reading.feed(chunk)
    reading.close()
    return reading


@given(protocol=st.sampled_from(list(ModelProtocol)), cuts=st.lists(st.integers(0, 1200)), crlf=st.booleans())
def test_the_cuts_between_chunks_mean_nothing(protocol: ModelProtocol, cuts: list[int], crlf: bool) -> None:
    raw = encode(STREAMS[protocol], "\r\n" if crlf else "\n")
    places = sorted({0, len(raw), *(cut for cut in cuts if cut < len(raw))})
    reading = read(protocol, [raw[a:b] for a, b in itertools.pairwise(places)])
    reasoning = 0 if protocol is ModelProtocol.MESSAGES else 5
    assert reading.usage() == Usage(90, 20, 30, 10, reasoning, model_calls=1)
    assert not reading.is_estimated
    assert reading.whole or reading.finished
    assert reading.long_cache_writes == (4 if protocol is ModelProtocol.MESSAGES else 0)


@given(protocol=st.sampled_from(list(ModelProtocol)), length=st.integers(1, 1200))
def test_a_stream_that_is_cut_anywhere_is_never_nothing(protocol: ModelProtocol, length: int) -> None:
    """Told or estimated, tokens of both kinds are there; and it is whole only if its last record was seen."""
    raw = encode(STREAMS[protocol])
    reading = read(protocol, [raw[:length]])
    used = reading.usage()
    assert used.input_tokens + used.cache_read_tokens > 0
    assert used.output_tokens > 0
    if length < len(raw) - 2:
        assert not reading.whole


@pytest.mark.parametrize("protocol", list(ModelProtocol))
@given(junk=st.binary(max_size=300))
def test_junk_raises_nothing(protocol: ModelProtocol, junk: bytes) -> None:
    for streamed in (True, False):
        reading = read(protocol, [b"data: " + junk, b"\n", junk], streamed=streamed)
        assert reading.usage().input_tokens > 0
        assert describe_refusal(junk) is not None


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error":{"message":"no\\n way","type":"x"}}', "no way"),
        (b'{"type":"error","error":{"type":"overloaded_error"}}', "overloaded_error"),
        (b'{"error":"model not found"}', "model not found"),
        (b'{"detail":"Not Found"}', "Not Found"),
        (b"<html>Bad Gateway</html>", "<html>Bad Gateway</html>"),
    ],
)
def test_a_refusal_is_told_in_one_line(body: bytes, words: str) -> None:
    assert describe_refusal(body) == words
