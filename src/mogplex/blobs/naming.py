"""Names of blobs: the SHA-256 of what is in them."""

from __future__ import annotations

import hashlib
import re

from mogplex.domain.errors import ServiceUnavailable

_DIGEST = re.compile(r"[0-9a-f]{64}")


def is_digest(name: str) -> bool:
    return _DIGEST.fullmatch(name) is not None


def require_whole(digest: str, content: bytes, place: str) -> bytes:
    """`content` again. Raises ServiceUnavailable when it is not what its name says."""
    if hashlib.sha256(content).hexdigest() != digest:
        raise ServiceUnavailable(
            f"The blob {place} is damaged: its content is not what its name says. Bring it back from a backup."
        )
    return content
