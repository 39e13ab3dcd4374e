"""The repair harness behind the `Harness` port: starts the engine in a sandbox and translates its stream."""

from __future__ import annotations

import importlib.metadata
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mogplex.domain.event import EventDraft, EventType
from mogplex.domain.ports import Claim, Launch, Probe, Task
from mogplex.harnesses.repair import engine
from mogplex.harnesses.repair.toolkit import TARGET, Toolkit, versions

DEFAULT_SECONDS = 120.0  # a fix that isn't found by then is rarely found at all
MARGIN_SECONDS = 10.0  # left of the run's own time limit for the engine to finish cleanly
MARGIN_SHARE = 0.1  # of short time limits
CANDIDATES = 50_000
MAX_LOG_CHARACTERS = 2000
TEST_NAME = re.compile(r"[\w./\\-]+\.py(?:::[\w\[\]\-.,:]+)?|\btest_\w+")
TRAILING = ".,:;"


class RepairHarness:
    """Fixes a failing test without a model. `shared` is a folder where the toolkit is kept between runs."""

    name = "repair"

    def __init__(self, shared: Path, seconds: float = DEFAULT_SECONDS, candidates: int = CANDIDATES) -> None:
        self._shared = shared
        self._seconds = seconds
        self._candidates = candidates
        self._toolkit: Toolkit | None = None

    def probe(self) -> Probe:
        """Whether our own environment has what the toolkit is made of."""
        try:
            known = versions()
        except importlib.metadata.PackageNotFoundError as error:
            return Probe(False, f"package {error.name} is not installed", remedy=f"pip install {error.name}")
        return Probe(
            True, "needs no model and no key", facts={"version": engine.__version__, "pytest": known["pytest"]}
        )

    def toolkit(self) -> Toolkit:
        """Built on first use. Checks of a repo without an environment of its own can use the same one."""
        if self._toolkit is None:
            self._toolkit = Toolkit.build(self._shared)
        return self._toolkit

    def launch(self, task: Task) -> Launch:
        """Raises OSError when the toolkit can't be built."""
        toolkit = self.toolkit()
        margin = min(MARGIN_SECONDS, task.timeout_seconds * MARGIN_SHARE)
        seconds = max(1.0, min(self._seconds, task.timeout_seconds - margin))
        argv = [
            "python3", "-I", "-B", f"{TARGET}/repair", "--directory", task.directory, "--seconds", f"{seconds:g}",
            "--candidates", str(self._candidates),
        ]  # fmt: skip
        for test in named_tests(task.prompt):
            argv += ["--only", test]
        return Launch(tuple(argv), toolkit.environment(), (toolkit.mount,), toolkit.path)

    def open_stream(self, task: Task) -> RepairStream:
        return RepairStream()


def named_tests(prompt: str) -> list[str]:
    """Test ids, test files and test names that a prompt mentions; the engine ignores those it doesn't know."""
    names = (match.group(0).rstrip(TRAILING) for match in TEST_NAME.finditer(prompt))
    return list(dict.fromkeys(name.removeprefix("./") for name in names if not name.startswith("-")))[:20]


class RepairStream:
    """Translates the engine's lines (docs/repair.md) into events."""

    def __init__(self) -> None:
        self._end: Mapping[str, Any] | None = None
        self._changed = False

    def feed(self, line: bytes) -> Iterable[EventDraft]:
        """One line without its newline. Lines that are no record of ours, or come after the last one, become `log`."""
        record = _parse(line)
        if record is None or self._end is not None:
            text = line.decode("utf-8", "replace")[:MAX_LOG_CHARACTERS]
            return [EventDraft(EventType.LOG, message=text, payload={"stream": "stdout"})] if text.strip() else []
        kind = record.get("type")
        if kind == "end":
            self._end = record
            return []
        if kind == "file_change":
            self._changed = True
        translate = TRANSLATIONS.get(str(kind))
        return [translate(record)] if translate is not None else [_log(record)]

    def close(self) -> Claim:
        """Success only if the engine said so and either wrote a checked patch or found nothing failing."""
        if self._end is None:
            return Claim(success=None, whole=False, error="the repair engine ended without its last record")
        result = self._end.get("result")
        result = result if isinstance(result, dict) else {}
        done = bool(result.get("noChanges")) or (bool(result.get("patch")) and self._changed)
        success = self._end.get("success") is True and done
        error = self._end.get("error")
        if self._end.get("success") is True and not done:
            error = "the repair engine claimed success without a patch"
        return Claim(success, True, str(self._end.get("summary", "")), None if error is None else str(error), result)


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) and isinstance(record.get("type"), str) else None


def _log(record: Mapping[str, Any]) -> EventDraft:
    rest = {key: value for key, value in record.items() if key != "type"}
    text = f"{record.get('type')}: {json.dumps(rest, ensure_ascii=False)}"
    return EventDraft(EventType.LOG, message=text[:MAX_LOG_CHARACTERS], payload={"stream": "stdout"})


def _hello(record: Mapping[str, Any]) -> EventDraft:
    version = str(record.get("version"))
    payload = {"harness": "repair", "version": version, "model": None}
    return EventDraft(EventType.STREAM_STARTED, message=f"repair {version}", payload=payload)


def _message(record: Mapping[str, Any]) -> EventDraft:
    text = str(record.get("text", ""))
    return EventDraft(EventType.ASSISTANT_MESSAGE, message=text, payload={"text": text})


def _tool_call(record: Mapping[str, Any]) -> EventDraft:
    arguments = record.get("arguments")
    payload = {"callId": str(record.get("id")), "arguments": arguments if isinstance(arguments, dict) else {}}
    return EventDraft(EventType.TOOL_CALL, tool_name=str(record.get("name")), payload=payload)


def _tool_result(record: Mapping[str, Any]) -> EventDraft:
    summary = str(record.get("summary", ""))
    payload = {
        "callId": str(record.get("id")), "ok": record.get("ok") is True, "exitCode": record.get("exit_code"),
        "summary": summary, "durationMs": record.get("duration_ms"),
    }  # fmt: skip
    return EventDraft(EventType.TOOL_RESULT, message=summary, tool_name="pytest", payload=payload)


def _file_change(record: Mapping[str, Any]) -> EventDraft:
    path = str(record.get("path"))
    return EventDraft(EventType.FILE_CHANGE, message=path, payload={"path": path, "kind": str(record.get("kind"))})


def _progress(record: Mapping[str, Any]) -> EventDraft:
    tried, plausible = record.get("tried", 0), record.get("plausible", 0)
    payload = {
        "stream": "progress", "candidatesTried": tried, "plausible": plausible, "best": record.get("best"),
        "elapsedSeconds": record.get("elapsed_seconds"),
    }  # fmt: skip
    return EventDraft(EventType.LOG, message=f"{tried} candidates tried, {plausible} plausible", payload=payload)


TRANSLATIONS = {
    "hello": _hello,
    "message": _message,
    "tool_call": _tool_call,
    "tool_result": _tool_result,
    "file_change": _file_change,
    "progress": _progress,
}
