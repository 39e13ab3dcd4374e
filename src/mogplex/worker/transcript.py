"""A harness's output on its way into the log: bytes to lines, lines to events, events to the writer.

Nothing a harness prints can grow our memory: a line is cut at MAX_LINE_BYTES, `log` events stop after
MAX_LOG_EVENTS (and say how many were left out), and a full writer slows the harness down.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import replace

from mogplex.domain.ending import Cause
from mogplex.domain.event import EventDraft, EventType
from mogplex.domain.model_call import ModelCall
from mogplex.domain.run import Run
from mogplex.domain.usage import Usage
from mogplex.service.attempts import Attempts
from mogplex.worker.stop import OwnershipLost, Stop

MAX_LINE_BYTES = 4 * 1024 * 1024  # codex was seen to print lines of 1.2 MB
MAX_LOG_EVENTS = 2000
MAX_OTHER_EVENTS = 100_000
MAX_UNWRITTEN_BATCHES = 200
MAX_STDERR_EVENT_BYTES = 4096
WARNING_SHARE = 0.8
RAW_HEAD_BYTES = RAW_TAIL_BYTES = 1024 * 1024


class Lines:
    """Cuts a stream of chunks into lines without their newlines; a line that is too long comes in pieces."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        yield from whole
        if len(self._rest) > MAX_LINE_BYTES:
            yield self._rest
            self._rest = b""

    def close(self) -> Iterator[bytes]:
        if self._rest:
            yield self._rest
            self._rest = b""


class RawLog:
    """The first and the last part of what was printed, for `sandboxes logs`; the middle is counted, not kept."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._tail_bytes = 0
        self._left_out = 0

    def add(self, chunk: bytes) -> None:
        room = RAW_HEAD_BYTES - len(self._head)
        if room > 0:
            self._head += chunk[:room]
            chunk = chunk[room:]
        if not chunk:
            return
        self._tail.append(chunk)
        self._tail_bytes += len(chunk)
        while self._tail and self._tail_bytes - len(self._tail[0]) >= RAW_TAIL_BYTES:
            gone = len(self._tail.popleft())
            self._tail_bytes -= gone
            self._left_out += gone

    def text(self) -> str:
        tail = b"".join(self._tail)
        middle = f"\n[{self._left_out:,} bytes left out]\n".encode() if self._left_out else b""
        return (bytes(self._head) + middle + tail).decode("utf-8", "replace")


class Transcript:
    """Writes the events of one attempt, in order, and counts its tool calls."""

    def __init__(self, attempts: Attempts, run: Run, stop: Stop) -> None:
        self._attempts = attempts
        self._run = run
        self._stop = stop
        self._unwritten: deque[Future[bool]] = deque()
        self._log_events = 0
        self._other_events = 0
        self._left_out = 0
        self._warned = False
        self.usage = Usage()
        self.raw = RawLog()
        self.last_words = ""  # the last line of stderr

    async def add(self, *drafts: EventDraft) -> None:
        """Hand drafts to the writer; waits only when it is far behind. Raises OwnershipLost when fenced off."""
        kept = [draft for draft in drafts if self._admit(draft)]
        kept += self._watch_budget()
        if not kept:
            return
        self._unwritten.append(self._attempts.record(self._run, kept))
        while self._unwritten and (self._unwritten[0].done() or len(self._unwritten) > MAX_UNWRITTEN_BATCHES):
            await self._settle(self._unwritten.popleft())

    def put(self, draft: EventDraft) -> None:
        """Like `add`, for what comes from Mogplex itself and is seldom: waits for nothing."""
        self._unwritten.append(self._attempts.record(self._run, [draft]))

    def put_call(self, call: ModelCall) -> None:
        """Record a model call: its event and its row."""
        self._unwritten.append(self._attempts.record_call(self._run, call))

    async def note(self, text: str) -> None:
        """A line of our own, as a `log` event."""
        await self.add(EventDraft(EventType.LOG, text, payload={"stream": "mogplex"}))

    async def flush(self) -> None:
        """Wait until everything is on disk, and say what was left out."""
        if self._left_out:
            left_out, self._left_out = self._left_out, 0
            text = f"{left_out:,} more events of the harness were left out"
            note = EventDraft(EventType.LOG, text, payload={"stream": "mogplex"})
            self._unwritten.append(self._attempts.record(self._run, [note]))
        while self._unwritten:
            await self._settle(self._unwritten.popleft())

    async def drain_stderr(self, chunks: AsyncIterator[bytes]) -> None:
        """Every line of stderr becomes a `log` event."""
        lines = Lines()
        async for chunk in chunks:
            self.raw.add(chunk)
            await self._add_stderr(lines.feed(chunk))
        await self._add_stderr(lines.close())

    async def _add_stderr(self, lines: Iterable[bytes]) -> None:
        drafts = _stderr_drafts(lines)
        if drafts:
            self.last_words = drafts[-1].message or ""
        await self.add(*drafts)

    def _watch_budget(self) -> list[EventDraft]:
        """Stop the run when its tool calls are used up, and say so once when 80 % of them are."""
        limit, used = self._run.budget.tool_calls, self.usage.tool_calls
        if limit is None:
            return []
        if used > limit:
            self._stop.set(Cause.BUDGET, f"The run used more than its {limit:,} tool calls.")
        if self._warned or used < WARNING_SHARE * limit:
            return []
        self._warned = True
        payload = {"limit": "toolCalls", "used": used, "of": limit}
        return [EventDraft(EventType.BUDGET_WARNING, f"{used:,} of {limit:,} tool calls are used", payload=payload)]

    async def _settle(self, written: Future[bool]) -> None:
        if not await asyncio.wrap_future(written):
            self._stop.lose()
            raise OwnershipLost

    def _admit(self, draft: EventDraft) -> bool:
        if draft.type is EventType.TOOL_CALL:
            self.usage = replace(self.usage, tool_calls=self.usage.tool_calls + 1)
        elif draft.type is EventType.TOOL_RESULT and draft.payload.get("ok") is False:
            self.usage = replace(self.usage, tool_errors=self.usage.tool_errors + 1)
        if draft.type is EventType.LOG and draft.payload.get("stream") != "egress":  # nobody may talk those away
            self._log_events += 1
            admitted = self._log_events <= MAX_LOG_EVENTS
        else:
            self._other_events += 1
            admitted = self._other_events <= MAX_OTHER_EVENTS
        self._left_out += not admitted
        return admitted


def _stderr_drafts(lines: Iterable[bytes]) -> list[EventDraft]:
    drafts = []
    for line in lines:
        text = line[:MAX_STDERR_EVENT_BYTES].decode("utf-8", "replace").rstrip()
        if text:
            drafts.append(EventDraft(EventType.LOG, text, payload={"stream": "stderr"}))
    return drafts
