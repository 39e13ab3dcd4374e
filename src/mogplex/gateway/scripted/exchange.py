"""What was asked of the scripted model, and what it answered: for tests, and a JSON line each for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mogplex.domain.redact import Redactor
from mogplex.domain.usage import Usage

HIDDEN_HEADERS = frozenset({"authorization", "x-api-key", "api-key", "cookie", "proxy-authorization"})
TOKENS = {
    "inputTokens": "input_tokens",
    "outputTokens": "output_tokens",
    "cacheReadTokens": "cache_read_tokens",
    "cacheWriteTokens": "cache_write_tokens",
    "reasoningTokens": "reasoning_tokens",
}


@dataclass
class Exchange:
    """One request. `usage` is what the answer cost as the scenario has it, None when it was an error status;
    `usage_sent` is whether the client could read all of it, and `status` is None while no answer was begun."""

    number: int
    at: float  # seconds since the epoch
    method: str
    path: str
    headers: Mapping[str, str]
    body: dict[str, Any] = field(default_factory=dict)
    protocol: str | None = None
    model: str | None = None
    stream: bool = False
    conversation: str | None = None
    turn: int | None = None  # from 1, as in the scenario
    fault: str | None = None
    missing: str | None = None  # what the turn expected and the request had not
    status: int | None = None
    usage: Usage | None = None
    usage_sent: bool = False
    whole: bool = False  # the answer was sent to its end
    request_id: str | None = None

    def as_wire(self) -> dict[str, Any]:
        """All of it as JSON, secrets and sizes not yet seen to."""
        tokens = None
        if self.usage is not None:
            tokens = {name: getattr(self.usage, attribute) for name, attribute in TOKENS.items()}
        return {
            "number": self.number,
            "at": round(self.at, 3),
            "request": f"{self.method} {self.path}",
            "requestId": self.request_id,
            "protocol": self.protocol,
            "model": self.model,
            "stream": self.stream,
            "conversation": self.conversation,
            "turn": self.turn,
            "fault": self.fault,
            "missing": self.missing,
            "status": self.status,
            "usage": tokens,
            "usageSent": self.usage_sent,
            "whole": self.whole,
            "headers": dict(self.headers),
            "body": self.body,
        }


def visible_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers by their lower-case names, without those that hold keys."""
    return {name.lower(): value for name, value in headers.items() if name.lower() not in HIDDEN_HEADERS}


class ExchangeLog:
    """Appends a JSON line for each exchange to a file: secrets taken out, long texts cut."""

    def __init__(self, path: Path, api_key: str | None = None) -> None:
        """Raises OSError when the file can't be written."""
        self._file = path.open("a", encoding="utf-8")
        self._redactor = Redactor([api_key] if api_key else [])

    def write(self, exchange: Exchange) -> None:
        self._file.write(json.dumps(self._redactor.payload(exchange.as_wire()), ensure_ascii=False) + "\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()
