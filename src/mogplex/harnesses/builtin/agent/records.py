"""The stream on stdout: one JSON object a line, the last one of type `end`."""

from __future__ import annotations

import ctypes
import json
import os

from . import __version__
from .interruption import Held

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SCHEMA = 1
PR_SET_DUMPABLE = 4
MAX_TEXT_CHARACTERS = 16 * 1024  # of any text in a record; the log keeps less


class Records:
    """Writes to the real stdout, which it keeps on a descriptor of its own that no child inherits."""

    def __init__(self) -> None:
        self._fd = os.dup(1)  # close-on-exec, as every descriptor Python makes
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.close(null)
        _hide_from_children()
        self._ended = False
        self._send("hello", version=__version__, schema=SCHEMA)

    def message(self, text: str) -> None:
        self._send("message", text=text)

    def reasoning(self, text: str) -> None:
        self._send("reasoning", text=text)

    def progress(self, text: str, **numbers: float) -> None:
        self._send("progress", text=text, **numbers)

    def call(self, call_id: str, name: str, arguments: dict[str, Any], text: str) -> None:
        self._send("tool_call", id=call_id, name=name, arguments=arguments, text=text)

    def result(self, call_id: str, name: str, ok: bool, summary: str, exit_code: int | None, seconds: float) -> None:
        self._send(
            "tool_result", id=call_id, name=name, ok=ok, exit_code=exit_code, summary=summary,
            duration_ms=round(seconds * 1000),
        )  # fmt: skip

    def file_change(self, path: str, kind: str) -> None:
        self._send("file_change", path=path, kind=kind)

    def end(self, success: bool, summary: str, error: str | None = None, result: dict[str, Any] | None = None) -> None:
        """The last record; a second one is ignored."""
        if not self._ended:
            self._ended = True
            # The result is not cut: it is what the caller asked for, and our worker bounds it.
            self._write({"type": "end", "success": success, "summary": _cut(summary), "error": error, "result": result})

    def _send(self, record_type: str, **fields: Any) -> None:
        if not self._ended:
            self._write({"type": record_type, **{name: _cut(value) for name, value in fields.items()}})

    def _write(self, record: dict[str, Any]) -> None:
        text = json.dumps(record, ensure_ascii=False, default=str)
        data = text.encode("utf-8", "replace") + b"\n"
        with Held():  # half a line would spoil the next one
            while data:
                data = data[os.write(self._fd, data) :]


def _cut(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _cut(each) for name, each in value.items()}
    if isinstance(value, str) and len(value) > MAX_TEXT_CHARACTERS:
        return value[:MAX_TEXT_CHARACTERS] + f" … [{len(value) - MAX_TEXT_CHARACTERS:,} characters left out]"
    return value


def _hide_from_children() -> None:
    """Make /proc/<us>/fd unreadable for the commands that we run: under our uid they could forge the stream there."""
    try:
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    except (OSError, AttributeError):
        return  # no Linux, no /proc to hide from
