"""`mogplex runs`: reading, following and ending runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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

RUN = f"/runs/{RUN_ID}"


def test_get_shows_the_documented_labels_first(api: ScriptedApi, cli: Cli) -> None:
    run = make_run("failed", error="boom \x1b[31mred\n", failure={"remedy": "mogplex runs retry"}, sandboxId="sb_1")
    api.script("GET", RUN, ok({"run": run}))
    done = cli("runs", "get", RUN_ID)
    labels = [line.split()[0] for line in done.stdout.splitlines()]
    assert labels[:10] == [
        "run",
        "status",
        "harness",
        "repo",
        "branch",
        "sandbox",
        "events",
        "cancel",
        "created",
        "updated",
    ]
    assert "\x1b" not in done.stdout
    assert "error     boom \\x1b[31mred" in done.stdout
    assert "remedy    mogplex runs retry" in done.stdout


@pytest.mark.parametrize(
    ("mode", "result", "calls", "shown"),
    [
        ("repair-first", {"firstTry": {"savedUsd": 0.25}}, 0, True),
        ("repair-first", {"firstTry": {"savedUsd": None}}, 0, False),
        ("repair-first", {"firstTry": {"savedUsd": 0.25}}, 3, False),
        ("repair-first", ["firstTry"], 0, False),
        (None, {"firstTry": {"savedUsd": 0.25}}, 0, False),
    ],
)
def test_get_tells_what_a_first_try_has_saved(
    api: ScriptedApi, cli: Cli, mode: str | None, result: Any, calls: int, shown: bool
) -> None:
    run = make_run("success", mode=mode, result=result, usage={"modelCalls": calls})
    api.script("GET", RUN, ok({"run": run}))
    assert ("saved     $0.2500" in cli("runs", "get", RUN_ID).stdout) is shown


def test_get_json_keeps_every_field(api: ScriptedApi, cli: Cli) -> None:
    run = make_run("success", unknown={"é": [1, None]}, lone="\ud800")
    api.script("GET", RUN, ok({"run": run}))
    done = cli("runs", "get", RUN_ID, "--json")
    assert json.loads(done.stdout) == run
    assert done.stderr == ""


def test_get_waits_and_can_tell_the_outcome(api: ScriptedApi, cli: Cli) -> None:
    api.script("GET", RUN, ok({"run": make_run("streaming")}), ok({"run": make_run("failed")}))
    assert cli("runs", "get", RUN_ID, "--wait", "--json").returncode == 0
    assert cli("runs", "get", RUN_ID, "--wait", "--exit-status").returncode == 20
    api.script("GET", RUN, ok({"run": make_run("streaming")}))
    done = cli("runs", "get", RUN_ID, "--wait", "--timeout", "0.2")
    assert (done.returncode, done.stdout) == (124, "")
    assert cli("runs", "get", RUN_ID, "--exit-status").returncode == 2


@pytest.mark.parametrize(
    "verb", [["get"], ["events"], ["cancel"], ["retry"], ["patch"], ["events", "--follow"], ["watch"]], ids=" ".join
)
def test_the_unique_beginning_of_an_id_is_enough(api: ScriptedApi, cli: Cli, verb: list[str]) -> None:
    api.script("GET", "/runs", ok({"runs": [make_run(run_id="ffff")], "nextCursor": "c"}), ok({"runs": [make_run()]}))
    api.script("GET", RUN, ok({"run": make_run()}))
    api.script("GET", f"{RUN}/events", page([make_event(1)]))
    api.script("GET", f"{RUN}/stream", sse(make_finished(1)))
    api.script("POST", f"{RUN}/cancel", ok({"run": make_run(), "status": "success", "alreadyTerminal": True}))
    api.script("POST", f"{RUN}/retry", ok(make_run("pending"), 202))
    api.script("GET", f"{RUN}/patch", Answer(body=b"diff", kind="text/x-diff"))
    done = cli("runs", verb[0], RUN_ID[:8], *verb[1:])
    assert done.returncode == 0, done.stderr
    assert [request.query.get("cursor") for request in api.asked("GET", "/runs")] == [None, "c"]


def test_an_ambiguous_beginning_names_the_candidates(api: ScriptedApi, cli: Cli) -> None:
    api.script("GET", "/runs", ok({"runs": [make_run(run_id="abcd1"), make_run(run_id="abcd2")]}))
    done = cli("runs", "cancel", "abcd")
    assert (done.returncode, done.stdout) == (2, "")
    assert "abcd1, abcd2" in done.stderr


@pytest.mark.parametrize("text", ["abc", "zzzz", ""])
def test_an_unknown_id_is_not_found(api: ScriptedApi, cli: Cli, text: str) -> None:
    api.script("GET", "/runs", ok({"runs": [make_run(run_id="abcd1")]}))
    done = cli("runs", "get", text)
    assert done.returncode == (1 if text else 2)
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_list_is_a_table_of_80_columns(api: ScriptedApi, cli: Cli) -> None:
    runs = [
        make_run("success", "11112222-aaaa", title="日本語のタイトルがとても長い場合はどうなりますか、表の幅を確認"),
        make_run("pending", "11112222-bbbb", title=None, prompt="line\nbreak " * 30, timing=None),
        make_run("streaming", "99990000-cccc", title="x\x1b[2J"),
    ]
    api.script("GET", "/runs", ok({"runs": runs, "nextCursor": None}))
    done = cli("runs", "list")
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["ID", "STATUS", "REPO", "TITLE", "STARTED", "DURATION"]
    assert [line.split()[0] for line in lines[1:]] == ["11112222-a", "11112222-b", "99990000-c"]
    wide = [len(line) + sum(character > "ᄀ" for character in line) for line in lines]
    assert max(wide) <= 80
    assert "\x1b" not in done.stdout


def test_list_passes_filters_and_pages(api: ScriptedApi, cli: Cli) -> None:
    first = ok({"runs": [make_run(run_id=f"run{number}") for number in range(200)], "nextCursor": "more"})
    api.script("GET", "/runs", first, ok({"runs": [make_run(run_id="last")], "nextCursor": None}))
    flags = (
        "--repo acme/web --status failed --outcome timed_out --label a=1 --label b=2 --retry-of r --since 2026-01-01"
    )
    done = cli("runs", "list", *flags.split(), "--limit", "201", "--json")
    assert len(done.stdout.splitlines()) == 201
    assert api.requests[0].query_pairs == [
        ("repo", "acme/web"),
        ("status", "failed"),
        ("outcome", "timed_out"),
        ("label", "a=1"),
        ("label", "b=2"),
        ("retryOf", "r"),
        ("since", "2026-01-01"),
        ("limit", "200"),
    ]
    assert api.requests[1].query["cursor"] == "more"
    assert api.requests[1].query["limit"] == "1"


def test_an_empty_list_says_so_on_stderr_only(api: ScriptedApi, cli: Cli) -> None:
    api.script("GET", "/runs", ok({"runs": [], "nextCursor": None}))
    done = cli("runs", "list")
    assert (done.returncode, done.stdout) == (0, "")
    assert "no runs found" in done.stderr
    done = cli("runs", "list", "--json")
    assert (done.stdout, done.stderr) == ("", "")


def test_events_are_one_line_each(api: ScriptedApi, cli: Cli) -> None:
    events = [make_event(1, "tool_call", "ls\n-la\x07", toolName="shell"), make_event(2, "stream_started", None)]
    api.script("GET", f"{RUN}/events", page(events, hasMore=True), page([make_event(3)]))
    done = cli("runs", "events", RUN_ID)
    assert done.stdout.splitlines() == [
        "2026-01-02T03:04:01.000Z  tool_call  [tool=shell]  ls -la\\x07",
        "2026-01-02T03:04:02.000Z  stream_started",
        "2026-01-02T03:04:03.000Z  log  hello",
    ]
    assert [request.query["after"] for request in api.requests] == ["0", "2"]


def test_events_after_and_limit(api: ScriptedApi, cli: Cli) -> None:
    api.script("GET", f"{RUN}/events", page([make_event(5), make_event(6)], hasMore=True))
    done = cli("runs", "events", RUN_ID, "--after", "4", "--limit", "2", "--json")
    assert [json.loads(line)["seq"] for line in done.stdout.splitlines()] == [5, 6]
    assert (api.requests[0].query["after"], api.requests[0].query["limit"]) == ("4", "2")
    assert len(api.requests) == 1
    assert cli("runs", "events", RUN_ID, "--limit", "2", "--follow").returncode == 2


def test_follow_json_ends_with_the_ending(api: ScriptedApi, cli: Cli) -> None:
    api.script(
        "GET", f"{RUN}/stream", sse(make_event(1), make_finished(2, "failed", "checks_failed", verdict="failed"))
    )
    done = cli("runs", "events", RUN_ID, "--follow", "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert [line.get("seq") for line in lines] == [1, 2, None]
    assert lines[-1] == {"runId": RUN_ID, "status": "failed", "outcome": "checks_failed", "verdict": "failed"}


def test_follow_of_an_ended_run_from_its_end(api: ScriptedApi, cli: Cli) -> None:
    api.script("GET", f"{RUN}/stream", sse())
    api.script("GET", f"{RUN}/events", page([], "cancelled", run={"lastSeq": 9}))
    api.script("GET", RUN, ok({"run": make_run("cancelled")}))
    done = cli("runs", "events", RUN_ID, "--follow", "--after", "9", "--exit-status")
    assert (done.returncode, done.stdout) == (24, f"--- run {RUN_ID} cancelled ---\n")


@pytest.mark.parametrize(("flags", "code"), [([], 1), (["--exit-status"], 124)])
def test_follow_stops_after_its_time(api: ScriptedApi, cli: Cli, flags: list[str], code: int) -> None:
    api.script("GET", f"{RUN}/stream", sse(make_event(1), 30.0))
    done = cli("runs", "events", RUN_ID, "--follow", "--timeout", "1", *flags)
    assert done.returncode == code
    assert "error: --follow timed out after 1s waiting for terminal status" in done.stderr
    assert len(done.stdout.splitlines()) == 1


def test_exit_status_needs_follow(api: ScriptedApi, cli: Cli) -> None:
    assert cli("runs", "events", RUN_ID, "--exit-status").returncode == 2
    assert api.requests == []


@pytest.mark.parametrize(
    ("terminal", "status", "first"),
    [
        (False, "streaming", f"cancellation requested for run {RUN_ID}"),
        (True, "success", f"run {RUN_ID} had already ended"),
    ],
)
def test_cancel(api: ScriptedApi, cli: Cli, terminal: bool, status: str, first: str) -> None:
    api.script("POST", f"{RUN}/cancel", ok({"run": make_run(status), "status": status, "alreadyTerminal": terminal}))
    assert cli("runs", "cancel", RUN_ID).stdout == f"{first}\nstatus: {status}\n"
    told = json.loads(cli("runs", "cancel", RUN_ID, "--json").stdout)
    assert (told["runId"], told["status"], told["alreadyTerminal"]) == (RUN_ID, status, terminal)


def test_patch_is_bytes_for_git(api: ScriptedApi, cli: Cli, tmp_path: Path) -> None:
    diff = "diff --git a/x b/x\n+é\r\n".encode()
    api.script("GET", f"{RUN}/patch", Answer(body=diff, kind="text/x-diff"))
    assert cli("runs", "patch", RUN_ID).stdout.encode() == diff
    target = tmp_path / "fix.diff"
    assert cli("runs", "patch", RUN_ID, "--output", str(target)).stdout == ""
    assert target.read_bytes() == diff
    assert cli("runs", "patch", RUN_ID, "--output", "/nowhere/x").returncode == 1


def test_an_empty_patch_is_told(api: ScriptedApi, cli: Cli) -> None:
    api.script("GET", f"{RUN}/patch", Answer(kind="text/x-diff"))
    done = cli("runs", "patch", RUN_ID)
    assert (done.returncode, done.stdout) == (0, "")
    assert "changed nothing" in done.stderr


def test_watch_without_a_terminal_prints_events_and_the_outcome(api: ScriptedApi, cli: Cli) -> None:
    api.script("GET", f"{RUN}/stream", sse(make_event(1), make_finished(2, "failed", "stalled")))
    done = cli("runs", "watch", RUN_ID)
    assert done.returncode == 23
    assert done.stdout.splitlines()[-1] == f"--- run {RUN_ID} failed ---"
    assert cli("runs", "watch", RUN_ID, "--json").stdout.count("\n") == 3


def test_a_limited_follow_waits_and_goes_on(api: ScriptedApi, cli: Cli) -> None:
    api.script("GET", f"{RUN}/stream", refuse(429, "RATE_LIMITED", "slow", Retry_After="1"), sse(make_finished(1)))
    assert cli("runs", "events", RUN_ID, "--follow").returncode == 0
