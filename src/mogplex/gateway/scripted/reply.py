"""An answer before it has a protocol: what is said, which tools are called, what it cost."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from mogplex.domain.model import ModelProtocol
from mogplex.domain.usage import Usage
from mogplex.gateway.scripted.conversation import Asked, call_id
from mogplex.gateway.scripted.scenario import Fault, FaultKind, Scenario, Step, ToolUse
from mogplex.gateway.scripted.tool_names import name_result, name_tool

BYTES_PER_TOKEN = 4
REFUSAL = "I can't help with that."
BROKEN_INPUT = "*** Begin Nonsense"
_NO_NAMESPACES: Mapping[str, str] = MappingProxyType({})


class Stop(StrEnum):
    """Why the model stopped."""

    END = "end"
    TOOLS = "tools"
    TOKEN_LIMIT = "token_limit"
    REFUSAL = "refusal"


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call in the client's own words. `arguments` is JSON text, or anything for a `custom` tool."""

    id: str
    name: str
    arguments: str
    custom: bool = False
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. `index` is its place in the conversation, `serial` the number of the request."""

    index: int
    serial: int
    model: str
    reasoning: str
    text: str
    calls: tuple[Call, ...]
    stop: Stop
    usage: Usage

    def pieces(self, text: str, size: int) -> Iterator[str]:
        """`text` in the pieces that a stream sends."""
        return (text[start : start + size] for start in range(0, len(text), size))


def compose(scenario: Scenario, step: Step, asked: Asked, serial: int, request_bytes: int) -> Reply:
    """What the step says to this client, with the fault of the step worked in if that is an answer."""
    turn, fault = step.turn, step.fault
    text, uses, stop = turn.text or "", list(turn.tools), Stop.END
    if fault is not None and fault.kind is FaultKind.REFUSAL:
        text, uses, stop = fault.message or REFUSAL, [], Stop.REFUSAL
    elif fault is not None and fault.kind is FaultKind.TOKEN_LIMIT:
        text, uses, stop = text[: len(text) // 2], [], Stop.TOKEN_LIMIT
    elif fault is not None and fault.kind is FaultKind.MALFORMED_CALL:
        uses = uses or [ToolUse("shell", {"command": "true"})]
    prefix = "toolu" if asked.protocol is ModelProtocol.MESSAGES else "call"
    calls = []
    for number, use in enumerate(uses, 1):
        name, arguments = name_tool(use, asked, scenario)
        calls.append(_call(call_id(prefix, asked.index, serial, number), name, arguments, fault, asked.namespaces))
    if turn.result is not None and stop is Stop.END:
        named = name_result(turn.result, asked)
        if named is None:
            text = json.dumps(turn.result)
        else:
            calls.append(_call(call_id(prefix, asked.index, serial, len(calls) + 1), *named, fault))
    usage = turn.usage or scenario.usage
    if usage is None:
        said = len(text) + len(turn.reasoning or "") + sum(len(call.arguments) for call in calls)
        usage = Usage(
            input_tokens=max(1, request_bytes // BYTES_PER_TOKEN),
            output_tokens=max(1, said // BYTES_PER_TOKEN),
            reasoning_tokens=len(turn.reasoning or "") // BYTES_PER_TOKEN,
        )
    if calls:
        stop = Stop.TOOLS
    reasoning = turn.reasoning or ""
    return Reply(asked.index, serial, asked.model or scenario.model, reasoning, text, tuple(calls), stop, usage)


def _call(
    name_of_call: str, tool: str, arguments: object, fault: Fault | None, namespaces: Mapping[str, str] = _NO_NAMESPACES
) -> Call:
    custom = isinstance(arguments, str)
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    if fault is not None and fault.kind is FaultKind.MALFORMED_CALL:
        text = BROKEN_INPUT if custom else text[: max(1, len(text) - 2)]
    namespace = namespaces.get(tool, "")
    return Call(name_of_call, tool.removeprefix(f"{namespace}__"), text, custom, namespace)
