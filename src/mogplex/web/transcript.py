"""A run's events as a person reads them: turns, tool calls with what came of them, everything else as small steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from mogplex.domain.event import Event, EventType
from mogplex.service.tool_calls import ToolUse, pair_tool_uses
from mogplex.web.text import duration, money, one_line, plain

_BAD_OUTCOMES = {"failed", "inconclusive"}
_GIST_NAMES = ("command", "cmd", "path", "file_path", "file", "pattern", "query", "url", "description")


@dataclass(frozen=True, slots=True)
class Item:
    """`kind`: said, thought, tool, log or step. `events` are what it stands for."""

    kind: str
    seq: int
    attempt: int
    at: float
    text: str = ""
    label: str = ""
    wrong: bool = False
    use: ToolUse | None = None
    events: tuple[Event, ...] = field(default=())

    @property
    def anchor(self) -> str:
        return f"e{self.seq}"

    @property
    def gist(self) -> str:
        """One line that tells a folded item from its neighbours."""
        if self.use is None:
            return one_line(self.text)
        return gist_of(self.use.call.payload.get("arguments"))

    @property
    def arguments(self) -> Any:
        return self.use.call.payload.get("arguments") if self.use else None

    @property
    def outcome(self) -> str:
        """What came of a tool call, as one word."""
        if self.use is None or self.use.result is None:
            return "running"
        return "failed" if self.wrong else "ok"


def read_items(events: Sequence[Event]) -> list[Item]:
    """Items in the order of their first event. A result whose call is not among `events` stands for itself."""
    uses = {use.call.seq: use for use in pair_tool_uses(events)}
    told = {use.result.seq for use in uses.values() if use.result is not None}
    items: list[Item] = []
    for event in events:
        if event.seq in told:
            continue
        if event.type is EventType.LOG and items and items[-1].kind == "log" and items[-1].attempt == event.attempt:
            items[-1] = _log((*items[-1].events, event))
        else:
            items.append(_item(event, uses.get(event.seq)))
    return items


def tool_item(use: ToolUse) -> Item:
    call, result = use.call, use.result
    wrong = result is not None and result.payload.get("ok") is False
    return Item(
        "tool", call.seq, call.attempt, call.created_at, label=plain(call.tool_name or "tool"), wrong=wrong, use=use
    )


def gist_of(arguments: Any) -> str:
    if isinstance(arguments, dict):
        for name in _GIST_NAMES:
            if arguments.get(name):
                value = arguments[name]
                return one_line(" ".join(map(str, value)) if isinstance(value, list) else value)
        return one_line(", ".join(f"{name}={value}" for name, value in list(arguments.items())[:6]))
    return one_line(arguments) if arguments is not None else ""


def _item(event: Event, use: ToolUse | None) -> Item:
    if use is not None:
        return tool_item(use)
    match event.type:
        case EventType.ASSISTANT_MESSAGE:
            return _plain_item("said", event, event.payload.get("text"))
        case EventType.REASONING:
            return _plain_item("thought", event, event.payload.get("text"))
        case EventType.LOG:
            return _log((event,))
    return Item(
        "step",
        event.seq,
        event.attempt,
        event.created_at,
        text=_step_text(event),
        label=str(event.type).replace("_", " "),
        wrong=_is_wrong(event),
        events=(event,),
    )


def _plain_item(kind: str, event: Event, text: Any) -> Item:
    told = text if isinstance(text, str) and text else event.message
    return Item(kind, event.seq, event.attempt, event.created_at, text=plain(told or ""), events=(event,))


def _log(events: tuple[Event, ...]) -> Item:
    first = events[0]
    text = "\n".join(plain(event.message or "") for event in events)
    return Item("log", first.seq, first.attempt, first.created_at, text=text, events=events)


def _step_text(event: Event) -> str:
    payload = event.payload
    if event.type is EventType.MODEL_CALL:
        usage = payload.get("usage") or {}
        tokens = sum(value for name, value in usage.items() if name.endswith("Tokens") and isinstance(value, int))
        parts = [f"{payload.get('model') or ''} {tokens:,} tokens"]
        if isinstance(cost := payload.get("costUsd"), int | float):
            parts.append(money(cost))
        if isinstance(taken := payload.get("durationMs"), int | float):
            parts.append(duration(taken))
        return one_line(" · ".join(parts))
    return one_line(event.message or "", 500)


def _is_wrong(event: Event) -> bool:
    payload = event.payload
    match event.type:
        case EventType.CHECK_FINISHED:
            return payload.get("verdict") in _BAD_OUTCOMES and payload.get("target") != "base"
        case EventType.FINISHED:
            return payload.get("status") == "failed"
        case EventType.SETUP_FINISHED:
            return payload.get("exitCode") not in (0, None)
        case EventType.TOOL_RESULT:
            return payload.get("ok") is False
        case EventType.ATTEMPT_LOST | EventType.BUDGET_WARNING | EventType.MODEL_RETRY:
            return True
    return False
