"""Values that may be too large for a row, and the port of the stores that they lie in then."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

# Larger ones go into the blob store, where there is one.
INLINE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class LargeValue:
    """`content` is all of it, unless `blob` names the blob that is."""

    content: bytes = b""
    blob: str | None = None


@dataclass(frozen=True, slots=True)
class LargeText:
    """`text` is all of it, unless `blob` names the blob that is (UTF-8); then `text` is its beginning and its end."""

    text: str = ""
    blob: str | None = None


def shorten(text: str) -> str:
    """The beginning and the end of what is larger than INLINE_BYTES, and how much was left out between them."""
    content = text.encode()
    if len(content) <= INLINE_BYTES:
        return text
    half = INLINE_BYTES // 2
    middle = f"\n[{len(content) - 2 * half:,} bytes left out]\n"
    return content[:half].decode("utf-8", "ignore") + middle + content[-half:].decode("utf-8", "ignore")


@dataclass(frozen=True, slots=True)
class BlobEntry:
    """One blob as a listing shows it. `modified_at`: when it was last put, seconds since 1970 by the store's clock."""

    digest: str
    size_bytes: int
    modified_at: float


class BlobStore(Protocol):
    """Large values outside the database, each named by the SHA-256 of its content in hex. Thread-safe.

    Methods raise ServiceUnavailable when the store can't be reached, read or written.
    """

    def put(self, content: bytes) -> str:
        """Keep `content` and return its name; it is durable then. Putting it again makes it new for `list`."""
        ...

    def get(self, digest: str) -> bytes:
        """The whole content, compared with its name. Raises ServiceUnavailable also when it is missing or damaged."""
        ...

    def list(self) -> Iterable[BlobEntry]: ...

    def remove(self, digest: str) -> None:
        """Nothing happens when it is not there."""
        ...
