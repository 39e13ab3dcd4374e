"""The stream on stdout: one JSON object a line, the last one of type "end". docs/repair.md describes each type."""

from __future__ import annotations

import ctypes
import json
import os
import time
from typing import Any

SCHEMA = 1
PROGRESS_SECONDS = 0.5  # at most two progress lines a second
PR_SET_DUMPABLE = 4


class Stream:
    """Writes records to the real stdout, which it keeps on a descriptor of its own that no child inherits."""

    def __init__(self) -> None:
        self._fd = os.dup(1)  # close-on-exec, as every descriptor Python makes
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.close(null)
        _hide_from_siblings()
        self._last_progress = 0.0
        self._calls = 0
        self.ended = False

    def send(self, record_type: str, **fields: Any) -> None:
        data = (
            json.dumps({"type": record_type, **fields}, ensure_ascii=False, default=str).encode("utf-8", "replace")
            + b"\n"
        )
        while data:
            data = data[os.write(self._fd, data) :]

    def message(self, text: str) -> None:
        self.send("message", text=text)

    def call(self, arguments: dict[str, Any]) -> str:
        """Announce one use of pytest; returns the id for `answer`."""
        self._calls += 1
        name = f"pytest-{self._calls}"
        self.send("tool_call", id=name, name="pytest", arguments=arguments)
        return name

    def answer(self, call: str, ok: bool, exit_code: int, summary: str, seconds: float) -> None:
        self.send(
            "tool_result", id=call, ok=ok, exit_code=exit_code, summary=summary, duration_ms=round(seconds * 1000)
        )

    def progress(self, **fields: Any) -> None:
        """Dropped when the last one was less than half a second ago."""
        now = time.monotonic()
        if now - self._last_progress >= PROGRESS_SECONDS:
            self._last_progress = now
            self.send("progress", **fields)

    def end(self, success: bool, summary: str, error: str | None, result: dict[str, Any]) -> None:
        """The last record; a second one is ignored."""
        if not self.ended:
            self.ended = True
            self.send("end", success=success, summary=summary, error=error, result=result)


def _hide_from_siblings() -> None:
    """Make /proc/<us>/fd unreadable for the code under test: it runs under our uid and could forge the stream there."""
    try:
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    except (OSError, AttributeError):
        return  # no Linux, no /proc to hide from
