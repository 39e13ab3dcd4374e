"""`mogplex run` and `runs retry` as a script meets them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.scripted_api import (
    RUN_ID,
    Answer,
    Cli,
    ScriptedApi,
    make_event,
    make_finished,
    make_run,
    ok,
    page,
    refuse,
    sse,
)

STARTED = f"""started run {RUN_ID} (pending)
repo acme/web
harness codex
branch mogplex/run/1a2b3c4d-5e6f7a8b (base main, created)
tail events: mogplex runs events {RUN_ID} --follow
"""


def accept(api: ScriptedApi, **fields: object) -> None:
    api.script("POST", "/runs", ok({**make_run("pending"), "replayed": False, **fields}, 202))


def test_a_start_is_told_as_documented(api: ScriptedApi, cli: Cli) -> None:
    accept(api)
    done = cli("run", "--repo", "acme/web", "Fix it")
    assert (done.returncode, done.stdout, done.stderr) == (0, STARTED, "")
    assert api.requests[0].body == {"repoId": "acme/web", "prompt": "Fix it"}


def test_a_match_is_told_as_documented(api: ScriptedApi, cli: Cli) -> None:
    accept(api, replayed=True, status="success", branch={"base": "main", "working": "fix", "createBranch": False})
    lines = cli("run", "--repo", "acme/web", "--idempotency-key", "k", "Fix it").stdout.splitlines()
    assert lines[0] == f"matched existing run {RUN_ID} (success)"
    assert lines[3] == "branch fix (base main)"


def test_json_is_the_run_object_on_one_line(api: ScriptedApi, cli: Cli) -> None:
    accept(api, title="naïve 日本")
    done = cli("run", "--repo", "r", "--json", "x", LANG="C", LC_ALL="C", PYTHONCOERCECLOCALE="0", PYTHONUTF8="0")
    assert done.stdout.count("\n") == 1
    assert "naïve 日本" in done.stdout
    assert json.loads(done.stdout)["runId"] == RUN_ID


def test_every_flag_reaches_the_server(api: ScriptedApi, cli: Cli, tmp_path: Path) -> None:
    accept(api)
    schema = tmp_path / "schema.json"
    schema.write_text('{"type": "object"}')
    flags = [
        "--harness",
        "codex",
        "--base-branch",
        "main",
        "--branch",
        "fix",
        "--create-branch",
        "--root",
        "web",
        "--idempotency-key",
        "key-1",
        "--model",
        "m",
        "--mode",
        "repair-first",
        "--timeout",
        "60",
        "--budget-usd",
        "1.5",
        "--budget-tokens",
        "1000",
        "--check",
        "a",
        "--label",
        "t=1",
        "--label",
        "u=x=y",
        "--env",
        "A=1",
        "--env",
        "INHERITED",
        "--delivery",
        "patch",
        "--commit",
        "abc",
        "--priority",
        "5",
        "--title",
        "T",
    ]
    done = cli("run", "--repo", "r", *flags, "--check", "b c", "--output-schema", str(schema), "x", INHERITED="yes")
    assert done.returncode == 0, done.stderr
    assert api.requests[0].headers["idempotency-key"] == "key-1"
    assert api.requests[0].body == {
        "repoId": "r",
        "prompt": "x",
        "harness": "codex",
        "baseBranch": "main",
        "workingBranch": "fix",
        "createBranch": True,
        "rootDirectory": "web",
        "model": "m",
        "mode": "repair-first",
        "timeoutSeconds": 60.0,
        "budget": {"usd": 1.5, "tokens": 1000},
        "checks": ["a", "b c"],
        "labels": {"t": "1", "u": "x=y"},
        "env": {"A": "1", "INHERITED": "yes"},
        "delivery": "patch",
        "commit": "abc",
        "priority": 5,
        "title": "T",
        "outputSchema": {"type": "object"},
    }


@pytest.mark.parametrize("arguments", [["--prompt-file", "-"], ["-"]])
def test_the_prompt_comes_from_stdin_when_asked(api: ScriptedApi, cli: Cli, arguments: list[str]) -> None:
    accept(api)
    assert cli("run", "--repo", "r", *arguments, stdin="Größe\nändern\n").returncode == 0
    assert api.requests[0].body["prompt"] == "Größe\nändern\n"


def test_the_prompt_comes_from_a_file(api: ScriptedApi, cli: Cli, tmp_path: Path) -> None:
    accept(api)
    (tmp_path / "task.md").write_text("do that", encoding="utf-8")
    assert cli("run", "--repo", "r", "--prompt-file", str(tmp_path / "task.md")).returncode == 0
    assert api.requests[0].body["prompt"] == "do that"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["hi"], "error: run: --repo <id> is required (find IDs via `mogplex repos list`)"),
        (["--repo", "r"], "a prompt is required"),
        (["--repo", "r", "  "], "the prompt is empty"),
        (["--repo", "r", "x", "--prompt-file", "y"], "not both"),
        (["--repo", "r", "--prompt-file", "/nowhere/x"], "can't read /nowhere/x"),
        (["--repo", "r", "two", "words"], "extra argument"),
        (["--repo", "r", "x", "--label", "oops"], "--label 'oops' is wrong"),
        (["--repo", "r", "x", "--env", "NOT_SET_HERE"], "'NOT_SET_HERE' is not set here"),
        (["--repo", "r", "x", "--budget-usd", "0"], "--budget-usd"),
        (["--repo", "r", "x", "--timeout", "-1"], "--timeout"),
        (["--repo", "r", "x", "--delivery", "pigeon"], "pigeon"),
        (["--repo", "r", "x", "--output-schema", "/dev/null"], "is not JSON"),
        (["--repo", "r", "x", "--idempotency-key", "ключ"], "idempotency key"),
        (["--repo", "r", "x", "--hanress", "codex"], "--harness"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_sent(
    api: ScriptedApi, cli: Cli, arguments: list[str], said: str
) -> None:
    done = cli("run", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert api.requests == []


def test_the_random_key_is_shown_only_when_verbose(api: ScriptedApi, cli: Cli) -> None:
    accept(api)
    assert cli("run", "--repo", "r", "x").stderr == ""
    told = cli("run", "--repo", "r", "x", "-v").stderr
    assert api.requests[1].headers["idempotency-key"] in told
    assert api.requests[0].headers["idempotency-key"] != api.requests[1].headers["idempotency-key"]


def test_a_cut_start_is_safe(api: ScriptedApi, cli: Cli) -> None:
    api.script("POST", "/runs", Answer(cut=True), ok({**make_run("pending"), "replayed": True}, 202))
    done = cli("run", "--repo", "r", "x")
    assert done.returncode == 0
    assert done.stdout.startswith(f"matched existing run {RUN_ID}")
    assert len({request.headers["idempotency-key"] for request in api.requests}) == 1


def test_a_start_that_stays_unclear_says_how_to_find_out(api: ScriptedApi, cli: Cli) -> None:
    api.script("POST", "/runs", Answer(cut=True))
    done = cli("run", "--repo", "r", "x")
    assert (done.returncode, done.stdout) == (69, "")
    assert f"--idempotency-key {api.requests[0].headers['idempotency-key']}" in done.stderr


OUTCOMES = [
    ("success", "completed", 0),
    ("success", "no_changes", 0),
    ("failed", "harness_failed", 20),
    ("failed", "checks_failed", 21),
    ("failed", "budget_exceeded", 22),
    ("failed", "timed_out", 23),
    ("failed", "stalled", 23),
    ("cancelled", "cancelled_by_caller", 24),
    ("cancelled", "superseded", 24),
    ("failed", "interrupted", 25),
    ("failed", "something_new", 20),
]


@pytest.mark.parametrize(("status", "outcome", "code"), OUTCOMES)
def test_wait_tells_the_outcome(api: ScriptedApi, cli: Cli, status: str, outcome: str, code: int) -> None:
    accept(api)
    api.script("GET", f"/runs/{RUN_ID}", ok({"run": make_run(status, outcome=outcome, error="the reason")}))
    done = cli("run", "--repo", "r", "--wait", "x")
    assert done.returncode == code
    assert done.stdout == f"{STARTED}--- run {RUN_ID} {status} ---\n"
    assert ("the reason" in done.stderr) is (status != "success")


def test_wait_with_json_prints_the_final_run_alone(api: ScriptedApi, cli: Cli) -> None:
    accept(api)
    api.script("GET", f"/runs/{RUN_ID}", ok({"run": make_run("streaming")}), ok({"run": make_run("failed")}))
    done = cli("run", "--repo", "r", "--wait", "--json", "x")
    assert (done.returncode, done.stderr) == (20, "")
    assert json.loads(done.stdout) == {**make_run("failed"), "replayed": False}


def test_wait_stops_after_its_time_with_124(api: ScriptedApi, cli: Cli) -> None:
    accept(api)
    api.script("GET", f"/runs/{RUN_ID}", ok({"run": make_run("streaming")}))
    done = cli("run", "--repo", "r", "--wait", "--wait-timeout", "0.3", "x")
    assert done.returncode == 124
    assert "--wait timed out after 0.3s" in done.stderr
    assert api.asked("POST", f"/runs/{RUN_ID}/cancel") == []


@pytest.mark.parametrize(("wait", "code"), [((), 0), (("--wait",), 21)])
def test_follow_prints_events_and_wait_makes_the_outcome_count(
    api: ScriptedApi, cli: Cli, wait: tuple[str, ...], code: int
) -> None:
    accept(api)
    api.script("GET", f"/runs/{RUN_ID}/stream", sse(make_event(1), make_finished(2, "failed", "checks_failed")))
    done = cli("run", "--repo", "r", "--follow", *wait, "x")
    assert done.returncode == code
    assert done.stdout.splitlines()[5:] == [
        "2026-01-02T03:04:01.000Z  log  hello",
        "2026-01-02T03:04:02.000Z  finished  the end",
        f"--- run {RUN_ID} failed ---",
    ]


def test_follow_with_json_is_run_then_events_then_ending(api: ScriptedApi, cli: Cli) -> None:
    accept(api)
    api.script("GET", f"/runs/{RUN_ID}/stream", sse(make_event(1), make_finished(2)))
    lines = [json.loads(line) for line in cli("run", "--repo", "r", "--follow", "--json", "x").stdout.splitlines()]
    assert lines[0]["replayed"] is False
    assert [line["seq"] for line in lines[1:3]] == [1, 2]
    assert lines[3] == {"runId": RUN_ID, "status": "success", "outcome": "completed", "verdict": "not_run"}


def test_retry_sends_only_what_is_changed(api: ScriptedApi, cli: Cli) -> None:
    api.script("POST", f"/runs/{RUN_ID}/retry", ok({**make_run("pending", "run-2"), "replayed": False}, 202))
    flags = [
        "--harness",
        "repair",
        "--model",
        "m",
        "--timeout",
        "5",
        "--budget-usd",
        "1",
        "--budget-tokens",
        "2",
        "--idempotency-key",
        "k",
    ]
    done = cli("runs", "retry", RUN_ID, *flags)
    assert done.stdout.splitlines()[0] == "started run run-2 (pending)"
    assert api.requests[0].headers["idempotency-key"] == "k"
    assert api.requests[0].body == {
        "harness": "repair",
        "model": "m",
        "timeoutSeconds": 5.0,
        "budget": {"usd": 1.0, "tokens": 2},
    }


def test_a_retry_of_a_success_is_a_conflict(api: ScriptedApi, cli: Cli) -> None:
    api.script("POST", f"/runs/{RUN_ID}/retry", refuse(409, "CONFLICT", "only failed and cancelled runs"))
    done = cli("runs", "retry", RUN_ID)
    assert done.returncode == 1
    assert "error: only failed and cancelled runs (CONFLICT)" in done.stderr


def test_retry_can_wait_and_follow(api: ScriptedApi, cli: Cli) -> None:
    api.script("POST", f"/runs/{RUN_ID}/retry", ok({**make_run("pending"), "replayed": False}, 202))
    api.script("GET", f"/runs/{RUN_ID}", ok({"run": make_run("cancelled")}))
    api.script("GET", f"/runs/{RUN_ID}/stream", sse())
    api.script("GET", f"/runs/{RUN_ID}/events", page([make_event(1)], "cancelled", run={"lastSeq": 1}))
    assert cli("runs", "retry", RUN_ID, "--wait").returncode == 24
    done = cli("runs", "retry", RUN_ID, "--follow", "--wait", "--wait-timeout", "20")
    assert done.returncode == 24
    assert done.stdout.endswith(f"--- run {RUN_ID} cancelled ---\n")
