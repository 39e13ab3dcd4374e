"""One HTTP request to somewhere outside, as those who make it and those who need it see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


class NoReply(Exception):
    """There is no answer, or the address may not be dialled; the message says why."""


@dataclass(frozen=True, slots=True)
class Reply:
    """`headers` by lower-case names; `body` cut at what the asker wanted to read."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def retry_after_seconds(self) -> float | None:
        """Seconds only; a date is rare, and the usual pause does as well."""
        text = self.headers.get("retry-after")
        return float(text) if text and text.isdecimal() else None


class Send(Protocol):
    """Blocks. Follows no redirect. Raises NoReply."""

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Reply: ...
