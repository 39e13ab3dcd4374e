"""Where a run's time went, as lanes of bars: queue, preparation, agent with its tools and model calls, checks."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from mogplex.domain.event import Event, EventType
from mogplex.domain.run import Run
from mogplex.domain.weakness import find_weaknesses
from mogplex.web.text import duration, one_line

SHOWN_TOOLS = 6
READ_AT_ONCE = 1000
_LEAST_PERCENT = 0.25  # what can still be seen and pointed at
_MAX_KEPT = 100
Read = Callable[[str, int, int], list[Event]]


@dataclass(slots=True)
class Span:
    """Times in seconds since 1970; `end` None: it goes on."""

    start: float
    end: float | None
    label: str
    seq: int


@dataclass(frozen=True, slots=True)
class Bar:
    """Percent of the drawing's width."""

    x: float
    width: float
    title: str
    seq: int
    open: bool


@dataclass(frozen=True, slots=True)
class Lane:
    """`kind` names the colour; `inner` lanes are parts of the one above."""

    name: str
    kind: str
    bars: tuple[Bar, ...]
    took: str
    inner: bool = False


@dataclass(frozen=True, slots=True)
class Timeline:
    lanes: tuple[Lane, ...]
    ticks: tuple[str, ...]
    open: bool
    weaknesses: tuple[str, ...] = ()  # what the newest attempt's sandbox does not hold, in sentences


@dataclass(slots=True)
class Track:
    """What the events so far say. Fed in order; never asked to go back."""

    seq: int = 0
    begun_at: float | None = None
    ended_at: float | None = None
    queued: list[Span] = field(default_factory=list)
    preparing: list[Span] = field(default_factory=list)
    agent: list[Span] = field(default_factory=list)
    setup: list[Span] = field(default_factory=list)
    models: list[Span] = field(default_factory=list)
    tools: dict[str, list[Span]] = field(default_factory=dict)
    checks: dict[str, list[Span]] = field(default_factory=dict)
    weaknesses: tuple[str, ...] = ()
    _calls: dict[tuple[int, str], Span] = field(default_factory=dict)

    def feed(self, events: Iterable[Event]) -> None:
        for event in events:
            self.seq = event.seq
            if self.begun_at is None:
                self.begun_at = event.created_at
            self._take(event)

    def _take(self, event: Event) -> None:
        at = event.created_at
        match event.type:
            case EventType.QUEUED:
                self.queued.append(Span(at, None, "waits for a worker", event.seq))
            case EventType.ATTEMPT_STARTED:
                _close(self.queued, at)
                self.preparing.append(Span(at, None, f"attempt {event.attempt}", event.seq))
            case EventType.ATTEMPT_LOST:
                self._close_all(at)
                self.queued.append(Span(at, None, "waits for another worker", event.seq))
            case EventType.SETUP_STARTED:
                self.setup.append(Span(at, None, "setup", event.seq))
            case EventType.SETUP_FINISHED:
                if self.setup:
                    _close(self.setup, at)
            case EventType.SANDBOX_READY:
                _close(self.preparing, at)
                self.agent.append(Span(at, None, "agent", event.seq))
                self.weaknesses = _weaknesses_of(event)
            case EventType.TOOL_CALL | EventType.TOOL_RESULT:
                self._take_tool(event)
            case EventType.MODEL_CALL:
                self.models.append(_span_before(event, one_line(event.payload.get("model") or "model call")))
            case EventType.CHANGES | EventType.DELIVERED:
                _close(self.agent, at)
            case EventType.CHECK_STARTED | EventType.CHECK_FINISHED:
                self._take_check(event)
            case EventType.FINISHED:
                self.ended_at = at
                self._close_all(at)

    def _take_tool(self, event: Event) -> None:
        key = (event.attempt, str(event.payload.get("callId")))
        if event.type is EventType.TOOL_CALL:
            span = Span(event.created_at, None, one_line(event.message or event.tool_name or "tool", 80), event.seq)
            self._calls[key] = span
            self.tools.setdefault(event.tool_name or "tool", []).append(span)
        elif (call := self._calls.pop(key, None)) is not None:
            call.end = event.created_at

    def _take_check(self, event: Event) -> None:
        _close(self.agent, event.created_at)
        name = f"{event.payload.get('target')} · {one_line(event.payload.get('command') or 'check', 60)}"
        spans = self.checks.setdefault(name, [])
        if event.type is EventType.CHECK_STARTED:
            spans.append(Span(event.created_at, None, name, event.seq))
        elif spans and spans[-1].end is None:
            spans[-1].end = event.created_at
        else:  # a baseline that an earlier run left: it took no time here
            spans.append(Span(event.created_at, event.created_at, f"{name}, known from before", event.seq))

    def _close_all(self, at: float) -> None:
        lists = (self.queued, self.preparing, self.agent, self.setup, *self.checks.values(), list(self._calls.values()))
        for spans in lists:
            _close(spans, at)
        self._calls.clear()

    def draw(self, now: float) -> Timeline:
        """Percentages of the time from the first event to the last, or to `now` while it goes on."""
        start = self.begun_at if self.begun_at is not None else now
        end = max(self.ended_at or now, start + 0.001)
        scale = _Scale(start, end)
        named = sorted(self.tools.items(), key=lambda item: (-len(item[1]), item[0]))
        tools = named[:SHOWN_TOOLS]
        if rest := [span for _, spans in named[SHOWN_TOOLS:] for span in spans]:
            tools.append((f"{len(named) - SHOWN_TOOLS} other tools", sorted(rest, key=lambda span: span.start)))
        lanes = [
            scale.lane("Queue", "queued", self.queued),
            scale.lane("Preparation", "preparing", self.preparing),
            scale.lane("Setup", "preparing", self.setup, inner=True),
            scale.lane("Agent", "agent", self.agent),
            scale.lane("Model calls", "model", self.models, inner=True),
            *(scale.lane(name, "tool", spans, inner=True) for name, spans in tools),
            *(scale.lane(name, "check", spans) for name, spans in self.checks.items()),
        ]
        ticks = tuple(duration((end - start) * 1000 * share / 4) for share in range(5))
        drawn = tuple(lane for lane in lanes if lane is not None)
        return Timeline(drawn, ticks, self.ended_at is None, self.weaknesses)


class Timelines:
    """Drawn from what was read before and what is new: a long run is read once, not at every look. Thread-safe."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._tracks: OrderedDict[str, Track] = OrderedDict()

    def draw(self, run: Run, now: float) -> Timeline:
        with self._lock:
            track = self._tracks.setdefault(run.id, Track())
            self._tracks.move_to_end(run.id)
            while track.seq < run.last_seq and (events := self._read(run.id, track.seq, READ_AT_ONCE)):
                track.feed(events)
            while len(self._tracks) > _MAX_KEPT:
                self._tracks.popitem(last=False)
            return track.draw(now)


@dataclass(frozen=True, slots=True)
class _Scale:
    start: float
    end: float

    def lane(self, name: str, kind: str, spans: list[Span], *, inner: bool = False) -> Lane | None:
        if not spans:
            return None
        took = sum((self.end if span.end is None else span.end) - span.start for span in spans)
        label = one_line(name, 60) + (f" × {len(spans)}" if len(spans) > 1 and inner else "")
        return Lane(label, kind, tuple(self._bars(spans)), duration(max(took, 0) * 1000), inner)

    def _bars(self, spans: list[Span]) -> list[Bar]:
        """Bars that would lie on each other become one, so that thousands of calls stay a few hundred shapes."""
        bars: list[Bar] = []
        merged = 1
        for span in spans:
            bar = self._bar(span)
            last = bars[-1] if bars else None
            if last is not None and bar.x + bar.width <= last.x + last.width + _LEAST_PERCENT and not bar.open:
                merged += 1
                width = round(max(last.width, bar.x + bar.width - last.x), 3)
                bars[-1] = Bar(last.x, width, f"{merged} calls close together", last.seq, last.open)
            else:
                merged = 1
                bars.append(bar)
        return bars

    def _bar(self, span: Span) -> Bar:
        total = self.end - self.start
        end = self.end if span.end is None else span.end
        x = min(max((span.start - self.start) / total * 100, 0.0), 100 - _LEAST_PERCENT)
        width = min(max((end - span.start) / total * 100, _LEAST_PERCENT), 100 - x)
        title = f"{span.label}: {duration((end - span.start) * 1000)}" + (" so far" if span.end is None else "")
        return Bar(round(x, 3), round(width, 3), title, span.seq, span.end is None)


def _weaknesses_of(ready: Event) -> tuple[str, ...]:
    """As the attempt told them; of runs from before that was told, by the same rule."""
    told, limits = ready.payload.get("weaknesses"), ready.payload.get("limits")
    if isinstance(told, list):
        return tuple(str(each) for each in told)
    return find_weaknesses(str(ready.payload.get("driver")), limits if isinstance(limits, dict) else {})


def _close(spans: list[Span], at: float) -> None:
    for span in spans:
        if span.end is None:
            span.end = at


def _span_before(event: Event, label: str) -> Span:
    """Of what is told when it is over, with how long it took."""
    taken = event.payload.get("durationMs")
    seconds = taken / 1000 if isinstance(taken, int | float) else 0.0
    return Span(event.created_at - seconds, event.created_at, label, event.seq)
