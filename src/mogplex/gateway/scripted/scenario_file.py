"""Reads scenarios from YAML. Every mistake is told with its place and what could stand there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from mogplex.domain.errors import MogplexError
from mogplex.domain.usage import Usage
from mogplex.gateway.scripted.scenario import Fault, FaultKind, Scenario, ToolName, ToolUse, Turn

FOREVER = ("forever", "always")
USAGE_FIELDS = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cache_read": "cache_read_tokens",
    "cache_write": "cache_write_tokens",
    "reasoning": "reasoning_tokens",
}
SCENARIO_FIELDS = ("name", "model", "usage", "directory", "api_key", "chunk_characters", "tool_names", "turns")
TURN_FIELDS = ("text", "reasoning", "tools", "result", "usage", "wait", "pace", "repeat", "expect", "fault")
FAULT_FIELDS = (
    "kind", "status", "times", "retry_after", "message", "code", "headers", "body", "seconds", "after",
)  # fmt: skip


class ScenarioError(MogplexError):
    """A scenario that can't be played, with the place of the mistake."""

    def __init__(self, place: str, fault: str) -> None:
        super().__init__(f"scenario: {place}: {fault}")


def read_scenario(path: Path) -> Scenario:
    """Raises ScenarioError when the file can't be read or is no scenario."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(str(path), f"can't be read: {error}") from error
    return parse_scenario(text, path.stem)


def parse_scenario(text: str, name: str = "scenario") -> Scenario:
    """A scenario from YAML text; `name` stands in when it has none. Raises ScenarioError."""
    try:
        tree = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ScenarioError(name, f"is no YAML: {error}") from error
    top = _mapping(name, tree, SCENARIO_FIELDS)
    turns = top.get("turns")
    if not isinstance(turns, list) or not turns:
        raise ScenarioError("turns", "a list with at least one turn is needed")
    key, directory = top.get("api_key"), top.get("directory")
    return Scenario(
        turns=tuple(_turn(f"turn {number}", turn) for number, turn in enumerate(turns, 1)),
        name=_text("name", top.get("name", name)),
        model=_text("model", top.get("model", "scripted")),
        usage=_usage("usage", top.get("usage")),
        directory=None if directory is None else _text("directory", directory),
        api_key=None if key is None else _text("api_key", key),
        chunk_characters=int(_number("chunk_characters", top.get("chunk_characters", 24), least=1)),
        tool_names=_tool_names(top.get("tool_names", {})),
    )


def _turn(place: str, value: Any) -> Turn:
    turn = _mapping(place, value, TURN_FIELDS)
    if not {"text", "tools", "result", "fault"} & turn.keys():
        raise ScenarioError(place, "says nothing: give it text, tools, result or fault")
    result = turn.get("result")
    if result is not None and not isinstance(result, Mapping):
        raise ScenarioError(f"{place}: result", f"must be a mapping, not {result!r}")
    expect = turn.get("expect", [])
    return Turn(
        text=None if turn.get("text") is None else _text(f"{place}: text", turn["text"]),
        reasoning=None if turn.get("reasoning") is None else _text(f"{place}: reasoning", turn["reasoning"]),
        tools=tuple(_tool_use(f"{place}: tools", use) for use in _list(f"{place}: tools", turn.get("tools", []))),
        result=result,
        usage=_usage(f"{place}: usage", turn.get("usage")),
        wait_seconds=_number(f"{place}: wait", turn.get("wait", 0)),
        pace_seconds=_number(f"{place}: pace", turn.get("pace", 0)),
        repeat=_times(f"{place}: repeat", turn.get("repeat", 1)),
        expect=tuple(_text(f"{place}: expect", each) for each in (expect if isinstance(expect, list) else [expect])),
        fault=_fault(f"{place}: fault", turn.get("fault")),
    )


def _tool_use(place: str, value: Any) -> ToolUse:
    """`shell: {command: ls}`, or only `finish` for a tool without arguments."""
    if isinstance(value, str):
        return ToolUse(value, {})
    if not isinstance(value, Mapping) or len(value) != 1:
        raise ScenarioError(place, f"each entry is one `name: arguments`, not {value!r}")
    ((name, arguments),) = value.items()
    if arguments is None:
        arguments = {}
    if not isinstance(arguments, Mapping | str):
        raise ScenarioError(place, f"the arguments of {name} must be a mapping or a text, not {arguments!r}")
    return ToolUse(str(name), arguments)


def _fault(place: str, value: Any) -> Fault | None:
    """`fault: 500`, `fault: cut`, or a mapping with a kind or a status and the details."""
    if value is None:
        return None
    fields = _mapping(place, value if isinstance(value, Mapping) else {"kind": value}, FAULT_FIELDS)
    kind = fields.get("kind", "http" if "status" in fields else None)
    status = fields.get("status", kind if isinstance(kind, int) else 500)
    kinds = [each.value for each in FaultKind]
    if not isinstance(kind, int) and kind not in kinds:
        raise ScenarioError(place, f"kind {kind!r} is unknown: use an HTTP status or one of {', '.join(kinds)}")
    if isinstance(status, bool) or not isinstance(status, int) or not 400 <= status <= 599:
        raise ScenarioError(place, f"status {status!r} is no error status (400 to 599)")
    seconds = fields.get("seconds")
    after = _number(f"{place}: after", fields.get("after", 0.5))
    if after > 1:
        raise ScenarioError(f"{place}: after", f"is a share between 0 and 1, not {after:g}")
    headers = fields.get("headers", {})
    if not isinstance(headers, Mapping):
        raise ScenarioError(f"{place}: headers", f"must be a mapping, not {headers!r}")
    return Fault(
        kind=FaultKind.HTTP if isinstance(kind, int) else FaultKind(kind),
        status=status,
        times=_times(f"{place}: times", fields.get("times", "always")),
        retry_after=None if fields.get("retry_after") is None else str(fields["retry_after"]),
        message=None if fields.get("message") is None else str(fields["message"]),
        code=None if fields.get("code") is None else str(fields["code"]),
        headers={str(name): str(header) for name, header in headers.items()},
        body=None if fields.get("body") is None else str(fields["body"]),
        seconds=None if seconds in (None, *FOREVER) else _number(f"{place}: seconds", seconds),
        after=after,
    )


def _usage(place: str, value: Any) -> Usage | None:
    if value is None:
        return None
    fields = _mapping(place, value, tuple(USAGE_FIELDS))
    return Usage(**{USAGE_FIELDS[name]: int(_number(f"{place}: {name}", number)) for name, number in fields.items()})


def _tool_names(value: Any) -> dict[str, ToolName]:
    names = {}
    for neutral, entry in _mapping("tool_names", value, None).items():
        place = f"tool_names: {neutral}"
        fields = _mapping(place, {"name": entry} if isinstance(entry, str) else entry, ("name", "arguments"))
        arguments = _mapping(f"{place}: arguments", fields.get("arguments", {}), None)
        names[neutral] = ToolName(_text(place, fields.get("name")), {key: str(name) for key, name in arguments.items()})
    return names


def _mapping(place: str, value: Any, known: tuple[str, ...] | None) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ScenarioError(place, f"must be a mapping, not {value!r}")
    for name in value:
        if known is not None and name not in known:
            raise ScenarioError(place, f"{name!r} is unknown; there are: {', '.join(known)}")
    return {str(name): each for name, each in value.items()}


def _list(place: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ScenarioError(place, f"must be a list, not {value!r}")
    return value


def _text(place: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ScenarioError(place, f"must be a text, not {value!r} (put it in quotes)")
    return value


def _number(place: str, value: Any, least: float = 0) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value < float("inf"):
        raise ScenarioError(place, f"must be a number, at least {least:g}, not {value!r}")
    return float(value)


def _times(place: str, value: Any) -> int | None:
    """How often; None for ever."""
    if value in FOREVER:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ScenarioError(place, f"must be a whole number from 1, or forever, not {value!r}")
    return value
