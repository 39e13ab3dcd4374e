"""What a person at a terminal sees, and what Ctrl-C does."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time

import pytest

from tests.cli.scripted_api import KEY, RUN_ID, ScriptedApi, make_event, make_finished, make_run, ok, sse, wait_until

RUN = f"/runs/{RUN_ID}"
GUARD_SECONDS = 30


# A process of its own makes the terminal: this one has threads, which must not be forked.
ON_A_TERMINAL = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
# Whoever starts the tests may have Ctrl-C ignored, which children inherit.
WITH_CTRL_C = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
    "from mogplex.__main__ import main; sys.exit(main(sys.argv[1:]))"
)


class Terminal:
    """A command on a pseudo-terminal: `expect` reads until a text appears, `type` sends keys."""

    def __init__(self, environment: dict[str, str], *arguments: str) -> None:
        command = [sys.executable, "-c", WITH_CTRL_C, *arguments]
        self._process = subprocess.Popen(
            [sys.executable, "-c", ON_A_TERMINAL, *command],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._keys = self._process.stdin
        self._screen = self._process.stdout
        self.seen = ""

    def expect(self, text: str) -> None:
        end = time.monotonic() + GUARD_SECONDS
        while text not in self.seen:
            assert time.monotonic() < end, self.seen
            assert self._read(), self.seen

    def type(self, keys: str) -> None:
        self._keys.write(keys.encode())
        self._keys.flush()

    def finish(self) -> int:
        end = time.monotonic() + GUARD_SECONDS
        while self._read():
            assert time.monotonic() < end, self.seen
        self._keys.close()
        self._screen.close()
        return self._process.wait(GUARD_SECONDS)

    def _read(self) -> bool:
        if not select.select([self._screen], [], [], 0.5)[0]:
            return True
        content = os.read(self._screen.fileno(), 65536)
        self.seen += content.decode("utf-8", "replace")
        return bool(content)


def test_colours_only_on_a_terminal_and_never_against_no_color(api: ScriptedApi, environment: dict[str, str]) -> None:
    api.script("GET", RUN, ok({"run": make_run("failed")}))
    coloured = Terminal(environment, "runs", "get", RUN_ID)
    assert coloured.finish() == 0
    assert "\x1b[31mfailed\x1b[0m" in coloured.seen
    for plain in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        terminal = Terminal({**environment, **plain}, "runs", "get", RUN_ID)
        assert terminal.finish() == 0
        assert "failed" in terminal.seen
        assert "\x1b" not in terminal.seen


def test_errors_are_coloured_on_a_terminal(environment: dict[str, str]) -> None:
    terminal = Terminal(environment, "runs", "get")
    assert terminal.finish() == 2
    assert "\x1b[31merror:\x1b[0m" in terminal.seen


@pytest.mark.parametrize(("answer", "cancels"), [("y\n", 1), ("n\n", 0), ("\x03", 0)])
def test_ctrl_c_asks_a_person(api: ScriptedApi, environment: dict[str, str], answer: str, cancels: int) -> None:
    api.script("GET", f"{RUN}/stream", sse(make_event(1), 30.0))
    api.script("POST", f"{RUN}/cancel", ok({"run": make_run("streaming"), "status": "streaming"}))
    terminal = Terminal(environment, "runs", "events", RUN_ID, "--follow")
    terminal.expect("hello")
    terminal.type("\x03")
    terminal.expect("[y/N]")
    terminal.type(answer)
    assert terminal.finish() == 130
    assert len(api.asked("POST", f"{RUN}/cancel")) == cancels
    assert ("cancellation requested" if cancels else "goes on") in terminal.seen
    assert "Traceback" not in terminal.seen


@pytest.mark.parametrize("command", [["runs", "events", RUN_ID, "--follow"], ["runs", "get", RUN_ID, "--wait"]])
def test_ctrl_c_in_a_script_leaves_the_run_alone(
    api: ScriptedApi, environment: dict[str, str], command: list[str]
) -> None:
    api.script("GET", f"{RUN}/stream", sse(make_event(1), 30.0))
    api.script("GET", RUN, ok({"run": make_run("streaming")}))
    process = subprocess.Popen(
        [sys.executable, "-c", WITH_CTRL_C, *command],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until(lambda: api.requests)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=GUARD_SECONDS)
    assert process.returncode == 130
    assert f"run {RUN_ID} goes on" in said
    assert "Traceback" not in said
    assert api.asked("POST", f"{RUN}/cancel") == []


def test_watch_draws_and_ends_with_the_outcome(api: ScriptedApi, environment: dict[str, str]) -> None:
    events = [
        make_event(1, "stream_started"),
        make_event(2, "tool_call", "ls \x1b[2J", toolName="shell"),
        make_event(3, "model_call", "called", payload={"costUsd": 0.25}),
    ]
    api.script("GET", f"{RUN}/stream", sse(*events, 0.5, make_finished(4, "failed", "budget_exceeded")))
    ended = make_run("failed", outcome="budget_exceeded", error="spent it all")
    api.script("GET", RUN, ok({"run": make_run("pending")}), ok({"run": ended}))
    terminal = Terminal({**environment, "COLUMNS": "100", "LINES": "30"}, "runs", "watch", RUN_ID)
    assert terminal.finish() == 22
    for text in ("acme/web", "tool_call", "[shell] ls \\x1b[2J", "1 model calls, 1 tool calls", "$0.2500"):
        assert text in terminal.seen
    assert "spent it all" in terminal.seen
    assert "\x1b[2J" not in terminal.seen


def test_ctrl_c_while_watching_asks_too(api: ScriptedApi, environment: dict[str, str]) -> None:
    api.script("GET", f"{RUN}/stream", sse(make_event(1, message="first words"), 30.0))
    api.script("GET", RUN, ok({"run": make_run("streaming")}))
    terminal = Terminal({**environment, "COLUMNS": "100", "LINES": "30"}, "runs", "watch", RUN_ID)
    terminal.expect("first words")
    terminal.type("\x03")
    terminal.expect("[y/N]")
    terminal.type("\n")
    assert terminal.finish() == 130


def test_login_asks_without_showing_the_key(api: ScriptedApi, environment: dict[str, str]) -> None:
    api.script("GET", "/me", ok({"name": "me", "prefix": KEY[:12], "scopes": ["read"]}))
    del environment["MOGPLEX_API_KEY"]
    terminal = Terminal(environment, "login")
    terminal.expect(f"API key for {api.url}")
    time.sleep(0.2)  # until the terminal's echo is off
    terminal.type(f"{KEY}\n")
    assert terminal.finish() == 0
    assert "logged in to" in terminal.seen
    assert KEY not in terminal.seen
