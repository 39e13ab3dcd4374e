"""What can be stored comes back as it was, on both databases."""

from __future__ import annotations

import json

import pytest

from mogplex.domain.event import EventDraft, EventType
from mogplex.store import events
from mogplex.store.columns import encode, storable
from mogplex.store.database import Database


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"text": "a\x00b", "half": "\ud800", "emoji": "🦖", "nested": [1, 2.5, None, True, {"": ""}]},
        {"large": 2**70, "small": 1e-300},
    ],
)
def test_payloads_come_back_as_they_were(database: Database, payload: dict[str, object]) -> None:
    with database.write() as tx:
        events.append(tx, "run_x", 1, 0, [EventDraft(EventType.LOG, "m", payload=payload)])
    with database.read() as tx:
        assert events.since(tx, "run_x", 0, 10)[0].payload == payload


def test_text_that_no_column_can_hold_is_mended(database: Database) -> None:
    with database.write() as tx:
        events.append(tx, "run_x", 1, 0, [EventDraft(EventType.LOG, "a\x00b\udc80c", tool_name="t\x00")])
    with database.read() as tx:
        event = events.since(tx, "run_x", 0, 10)[0]
    assert (event.message, event.tool_name) == ("a\ufffdb?c", "t\ufffd")


def test_numbers_that_json_does_not_know_become_text() -> None:
    assert json.loads(encode({"a": float("nan"), "b": [float("inf")]})) == {"a": "NaN", "b": ["Infinity"]}


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(TypeError):
        encode({"a": object()})


def test_plain_text_is_left_alone() -> None:
    assert storable("naïve 🦖\n") == "naïve 🦖\n"
