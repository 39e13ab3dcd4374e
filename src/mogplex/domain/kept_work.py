"""What a run leaves for one that resumes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class KeptWork:
    """`diff` applies to `base_commit`; `pushed` is the commit that has it already, when it was delivered as partial.

    `session` is the harness's name of its conversation, None when there is none or another harness goes on.
    """

    run_id: str
    base_commit: str
    diff: bytes = field(repr=False)
    session: str | None
    pushed: str | None
    result: Mapping[str, Any] | None = None


_GO_ON = "You were stopped before this was done. Go on where you were; the files are as you left them. The task was:"
_GO_ON_ALONE = "Somebody began this task and was stopped. What they did is in the files, {}. Go on from there:"


def introduce(kept: KeptWork | None, session: str | None) -> str | None:
    """What a model is told before the task that it resumes; None when it begins with nothing but the task.

    `session` is the conversation that goes on, if one does.
    """
    if session is not None:
        return _GO_ON
    if kept is None:
        return None
    if kept.diff:
        return _GO_ON_ALONE.format("uncommitted")
    return _GO_ON_ALONE.format("committed") if kept.base_commit == kept.pushed else None
