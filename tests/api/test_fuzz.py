"""The whole document, asked by machine: whatever is sent, no answer is a fault of the server, and each is ours.
(`/mcp` speaks another protocol, with refusals of its own.)

The suite tries a few cases of each operation; MOGPLEX_API_CASES=5000 tries that many in all.
"""

from __future__ import annotations

import os
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis import GenerationMode

from mogplex.api.app import ROUTES
from tests.api.door import BASE, Door

CASES = int(os.environ.get("MOGPLEX_API_CASES", "300"))
# What closes by itself only at a run's end is asked for runs that aren't there: nothing here waits.
QUIET = [hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.filter_too_much, hypothesis.HealthCheck.data_too_large]


def load(door: Door) -> Any:
    document = door.get("//openapi.json", key=None).json
    document["security"] = []  # each case is sent with a good key: without one it would not get far
    return schemathesis.openapi.from_dict(document)


@pytest.mark.timeout(60 + CASES)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=lambda mode: str(mode.value))
def test_no_request_makes_the_server_fail(door: Door, mode: GenerationMode) -> None:
    door.house.add_repo()
    tried = {"cases": 0}
    operations = [found.ok() for found in load(door).get_all_operations()]
    assert len(operations) >= len(ROUTES)
    for operation in operations:
        if mode is GenerationMode.NEGATIVE and not (list(operation.query) or list(operation.body)):
            continue  # any text may stand in a path: hundreds are tried before that is found out
        ask_all(door, operation, mode, max(CASES // (2 * len(operations)), 1), tried)
    assert tried["cases"] >= len(operations) // 3
    print(f"{tried['cases']} {mode.value} cases, 0 server errors: {tried}")  # noqa: T201 - for whoever asks for many


def ask_all(door: Door, operation: Any, mode: GenerationMode, most: int, tried: dict[Any, int]) -> None:
    @hypothesis.settings(max_examples=most, deadline=None, database=None, derandomize=True, suppress_health_check=QUIET)
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        answer = case.call(
            base_url=f"http://{door.host}:{door.port}", headers={"Authorization": f"Bearer {door.key}"}, timeout=20
        )
        tried["cases"] += 1
        tried[answer.status_code] = tried.get(answer.status_code, 0) + 1
        assert answer.status_code < 500, f"{case.as_curl_command()}: {answer.text[:500]}"
        assert "x-request-id" in answer.headers
        if operation.path.startswith(BASE) and not operation.path.endswith("/mcp") and answer.status_code >= 400:
            is_ours = answer.headers.get("content-type") == ["application/json"] and answer.json()["error"]["code"]
            assert is_ours, f"{case.as_curl_command()}: {answer.status_code} {answer.text[:500]}"

    try:
        ask()
    except hypothesis.errors.Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE, f"nothing can be sent to {operation.method} {operation.path}"
