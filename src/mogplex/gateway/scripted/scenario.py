"""What a scripted model says, turn by turn, and what goes wrong on the way; `scenario_file` reads it from YAML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from mogplex.domain.usage import Usage


class FaultKind(StrEnum):
    """What can go wrong. The last three are answers, the others are failures of the request."""

    HTTP = "http"  # an error status
    REFUSED = "refused"  # nobody listens on the port
    RESET = "reset"  # the connection is reset before an answer
    CUT = "cut"  # the connection is lost in mid-stream
    END_EARLY = "end_early"  # the stream ends as if whole, without its last events
    ERROR_EVENT = "error_event"  # the provider says in mid-stream that it failed
    STALL = "stall"  # the stream stops in the middle, the connection stays
    SILENCE = "silence"  # the request is taken and never answered
    MALFORMED_CALL = "malformed_call"  # tool calls whose arguments nobody can read
    REFUSAL = "refusal"  # the model declines
    TOKEN_LIMIT = "token_limit"  # the answer stops at the limit of output tokens


ANSWERS = frozenset({FaultKind.MALFORMED_CALL, FaultKind.REFUSAL, FaultKind.TOKEN_LIMIT})


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong `times` times (None: always) before its turn is played as written.

    A failure of the request is counted by requests for the same turn, an answer by turns of the conversation.
    `seconds` is how long a stall, a silence or a closed port lasts (None: for ever); `after` is the share of the
    stream that is sent before a cut, an early end, an error event or a stall.
    """

    kind: FaultKind
    status: int = 500
    times: int | None = None
    retry_after: str | None = None
    message: str | None = None
    code: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None  # sent as it is, in place of the protocol's error object
    seconds: float | None = None
    after: float = 0.5

    def __str__(self) -> str:
        return str(self.status) if self.kind is FaultKind.HTTP else self.kind.value


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A tool call by its neutral name (`shell`, `read`, `edit`, `write`, `search`), or by a client's own."""

    name: str
    arguments: Mapping[str, Any] | str  # text is the input of a free-form tool


@dataclass(frozen=True, slots=True)
class Turn:
    """One answer of the model. `result` is a structured result, given in the way that the client asks for one.

    `repeat` is how often the turn is played in a conversation (None: for ever).
    """

    text: str | None = None
    reasoning: str | None = None
    tools: tuple[ToolUse, ...] = ()
    result: Mapping[str, Any] | None = None
    usage: Usage | None = None
    wait_seconds: float = 0.0  # before the first byte
    pace_seconds: float = 0.0  # between the pieces of a stream
    repeat: int | None = 1
    expect: tuple[str, ...] = ()  # what the request must contain
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class ToolName:
    """How a client calls a neutral tool: its name, and its name of each argument that differs."""

    name: str
    arguments: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """What a place in a conversation plays: a turn, by its number from 1, and the fault that is due there."""

    number: int
    turn: Turn
    fault: Fault | None


@dataclass(frozen=True, slots=True)
class Scenario:
    """A whole script. Without `usage`, tokens are estimated from the sizes of request and answer."""

    turns: tuple[Turn, ...]
    name: str = "scenario"
    model: str = "scripted"
    usage: Usage | None = None
    directory: str | None = None  # where the client works, for clients that want absolute paths
    api_key: str | None = None  # when given, another key is answered with 401
    chunk_characters: int = 24  # size of a streamed piece
    tool_names: Mapping[str, ToolName] = field(default_factory=dict)

    def at(self, index: int) -> Step | None:
        """The step of the `index`-th answer of a conversation, from 0; None once the script is over."""
        for number, turn in enumerate(self.turns, 1):
            fault = turn.fault
            if fault is not None and fault.kind in ANSWERS:
                if fault.times is None or index < fault.times:
                    return Step(number, turn, fault)
                index -= fault.times
                fault = None
            if turn.repeat is None or index < turn.repeat:
                return Step(number, turn, fault)
            index -= turn.repeat
        return None
