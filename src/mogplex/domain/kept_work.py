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
