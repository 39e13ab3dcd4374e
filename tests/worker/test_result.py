"""A structured result against the schema of the caller, who may be careless or hostile."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from mogplex.worker.result import find_result_fault
from tests.workspace.git_world import asynchronously

SCHEMA: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}


@pytest.mark.parametrize(
    ("result", "fault"),
    [
        ({"a": "café"}, None),
        ({"a": 1}, "at a: 1 is not of type 'string'"),
        ({}, "at its root: 'a' is a required property"),
        (None, "no structured result"),
    ],
)
@asynchronously
async def test_what_is_wrong_is_said(result: dict[str, Any] | None, fault: str | None) -> None:
    found = await find_result_fault(result, SCHEMA)
    assert found is None if fault is None else fault in (found or "")


@asynchronously
async def test_a_pattern_that_backtracks_does_not_stop_the_server() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}
    longest_silence, last = 0.0, time.monotonic()

    async def live() -> None:
        nonlocal longest_silence, last
        while True:
            await asyncio.sleep(0.05)
            now = time.monotonic()
            longest_silence, last = max(longest_silence, now - last), now

    living = asyncio.create_task(live())
    fault = await find_result_fault({"a": "a" * 60 + "!"}, schema, timeout_seconds=3)
    living.cancel()
    assert "simplify outputSchema" in (fault or "")
    assert longest_silence < 2.5  # with the interpreter's lock held it would last for ages
