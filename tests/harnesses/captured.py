"""What the real programs printed in 58 runs, and what each of those runs may be taken for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from mogplex.domain.event import EventDraft
from mogplex.domain.ports import Claim, HarnessStream
from mogplex.harnesses.claude_code.stream import ClaudeStream
from mogplex.harnesses.codex.stream import CodexStream

FOLDER = Path(__file__).parent / "captures"
INDEX: dict[str, dict[str, Any]] = json.loads((FOLDER / "index.json").read_text())
NAMES = sorted(path.stem for path in FOLDER.glob("*.jsonl"))
# Runs that the program itself called a success, though in some of them a command had failed.
SUCCESSES = {
    "codex-success", "codex-say", "codex-schema", "codex-unknown-model", "codex-retry-500-then-ok", "codex-cmd-fails",
    "codex-badtool-once", "claude-success", "claude-say", "claude-schema", "claude-unknown-model",
    "claude-retry-500-then-ok", "claude-cmd-fails", "claude-badtool-once",
}  # fmt: skip
# Runs that were ended by a signal before the program had its last word.
CUT = {"codex-sigint-tool", "codex-sigterm-tool", "codex-sigterm-model", "claude-sigint-model", "claude-sigterm-tool"}
# What the error of each other run must say, so that its reader knows what to do.
ERRORS = {
    "codex-budget-at-3": "scripted 400",
    "codex-budget429-at-3": "Quota exceeded",
    "codex-fail-400": "scripted 400",
    "codex-fail-401": "401 Unauthorized",
    "codex-fail-402": "402 Payment Required",
    "codex-fail-403": "403 Forbidden",
    "codex-fail-404": "404 Not Found",
    "codex-fail-429": "429 Too Many Requests",
    "codex-fail-429ra": "429 Too Many Requests",
    "codex-fail-500": "high demand",
    "codex-fail-503": "503 Service Unavailable",
    "codex-fail-ctx": "context window",
    "codex-fail-cut": "stream disconnected",
    "codex-fail-cutclean": "stream closed before response.completed",
    "codex-fail-failed": "scripted failure inside stream",
    "codex-fail-quota": "Quota exceeded",
    "codex-fail-refused": "Connection failed",
    "codex-fail-reset": "error sending request",
    "claude-budget-at-3": "402",
    "claude-budget429-at-3": "run budget exhausted",
    "claude-fail-400": "scripted 400",
    "claude-fail-401": "401",
    "claude-fail-402": "scripted 402",
    "claude-fail-403": "403",
    "claude-fail-404": "issue with the selected model",
    "claude-fail-429": "429",
    "claude-fail-429ra": "429",
    "claude-fail-500": "500",
    "claude-fail-503": "503",
    "claude-fail-529": "529",
    "claude-fail-badargs": "maximum number of turns (50)",
    "claude-fail-cut": "ECONNRESET",
    "claude-fail-maxtok": "output token maximum",
    "claude-fail-refused": "ECONNREFUSED",
    "claude-fail-reset": "ECONNRESET",
    "claude-fail-ssefail": "Overloaded",
    "claude-max-budget": "maximum budget",
    "claude-max-turns": "maximum number of turns (2)",
    "claude-sigint-tool": "ede_diagnostic",
}


@cache
def lines_of(name: str) -> tuple[bytes, ...]:
    return tuple((FOLDER / f"{name}.jsonl").read_bytes().splitlines())


def open_stream(name: str) -> HarnessStream:
    ticks: Iterator[float] = iter(range(1_000_000))
    clock = lambda: next(ticks)  # noqa: E731
    if name.startswith("codex-"):
        return CodexStream(wants_result=name == "codex-schema", clock=clock)
    return ClaudeStream(clock=clock)


def play(name: str, lines: tuple[bytes, ...] | None = None) -> tuple[list[EventDraft], Claim]:
    stream = open_stream(name)
    drafts = [draft for line in lines_of(name) if lines is None for draft in stream.feed(line)]
    drafts += [draft for line in lines or () for draft in stream.feed(line)]
    return drafts, stream.close()
