"""Server-sent events as the three protocols write them."""

from __future__ import annotations

import json
from typing import Any


def event(data: Any, name: str | None = None) -> bytes:
    """One event; `data` is sent as JSON, unless it is text already."""
    text = data if isinstance(data, str) else json.dumps(data)
    return (f"event: {name}\n" if name else "").encode() + f"data: {text}\n\n".encode()
