"""Values that may be too large for a row, and where they are then."""

from __future__ import annotations

from dataclasses import dataclass

# Larger ones go into the blob store, where there is one.
INLINE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class LargeValue:
    """`content` is all of it, unless `blob` names the blob that is."""

    content: bytes = b""
    blob: str | None = None
