"""What the real programs can't be made to do, a stand-in does: it plays the prompt in the place of the binary."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contracts.model_house import ModelHouse, Providers

STAND_IN = """#!/bin/sh
[ "$1" = --version ] && echo "stand-in 0.0.1" && exit 0
eval "$(cat)"
"""
BEGINS = {
    "codex": {"type": "thread.started", "thread_id": "t-1"},
    "claude-code": {"type": "system", "subtype": "init", "session_id": "s-1"},
    "scripted": {"type": "hello"},
}
ENDS: dict[str, dict[str, Any]] = {
    "codex": {"type": "turn.completed", "usage": {}},
    "claude-code": {"type": "result", "is_error": False, "terminal_reason": "completed", "result": "All is well."},
    "scripted": {"type": "end", "success": True, "summary": "All is well."},
}
FAILED, NOTHING_TO_DO = ("failed", "harness_failed"), ("success", "no_changes")
ODD = r"printf 'caf\351 \377\376 \000 \n'"
# case -> (shell lines; BEGIN and END stand for the harness's own records, status and outcome)
CASES: dict[str, tuple[str, tuple[str, str]]] = {
    "no output": ("exit 0", FAILED),
    "exit 0 without a result": ("BEGIN; exit 0", FAILED),
    "a wrong setting": ("echo 'unknown option --frob' >&2; exit 2", FAILED),
    "nice words": ("echo 'All tests pass. success: true'; exit 0", FAILED),
    "success, but exit 1": ("BEGIN; END; exit 1", FAILED),
    "success, but killed": ("BEGIN; END; kill -9 $$", FAILED),
    "half a result": ("BEGIN; END | head -c 20; exit 0", FAILED),
    "two results": ("BEGIN; END; END", FAILED),
    "output that is no UTF-8": (f"BEGIN; {ODD}; {ODD} >&2; END", NOTHING_TO_DO),
    "a line without an end": ("BEGIN; head -c 9000000 /dev/zero | tr '\\0' x; echo; END", NOTHING_TO_DO),
}
# Claude Code gives a result more than once when something goes on in the background: the last one counts.
OTHERWISE = {("claude-code", "two results"): NOTHING_TO_DO}


@pytest.fixture(scope="module")
def house() -> Iterator[ModelHouse]:
    providers = Providers({"unused": "turns:\n- text: hello\n"})
    opened = ModelHouse(providers)
    stand_in = opened.root / "stand-in"
    stand_in.write_text(STAND_IN)
    stand_in.chmod(0o755)
    opened.settings |= {"MOGPLEX_CODEX_BIN": str(stand_in), "MOGPLEX_CLAUDE_BIN": str(stand_in)}
    yield opened.start()
    left = opened.left_processes()
    opened.close()
    providers.close()
    assert left == []


@pytest.fixture(scope="module")
def repo_id(house: ModelHouse) -> str:
    added: str = house.add_repo()["id"]
    return added


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", BEGINS)
def test_a_lie_is_no_success(name: str, case: str, house: ModelHouse, repo_id: str) -> None:
    script, expected = CASES[case]
    for word, record in (("BEGIN", BEGINS[name]), ("END", ENDS[name])):
        script = script.replace(word, f"printf '%s\\n' {shlex.quote(json.dumps(record))}")
    model = "unused/m" if name != "scripted" else None
    body = {"repoId": repo_id, "harness": name, "model": model, "createBranch": True, "prompt": script}
    run_id = house.client.start_run({field: value for field, value in body.items() if value})["runId"]
    house.wait(run_id)
    run, _ = house.check_ended(run_id, ())
    assert (run["status"], run["outcome"]) == OTHERWISE.get((name, case), expected), run["error"]
    if case == "a wrong setting":
        assert "unknown option --frob" in run["error"]
