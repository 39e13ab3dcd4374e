"""What a harness asks: the route, and what must be known of the request's body. Bodies stay as they came."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mogplex.domain.model import ModelProtocol
from mogplex.gateway.feature import features_of

_ROUTES = (
    ("/messages/count_tokens", ModelProtocol.MESSAGES, "/count_tokens"),
    ("/messages", ModelProtocol.MESSAGES, ""),
    ("/chat/completions", ModelProtocol.CHAT, ""),
    ("/responses", ModelProtocol.RESPONSES, ""),
)


@dataclass(frozen=True, slots=True)
class Route:
    """`tail` is what follows the protocol's own path; only the path itself is a model call."""

    protocol: ModelProtocol
    tail: str

    @property
    def is_call(self) -> bool:
        return not self.tail


def route_of(path: str) -> Route | None:
    """By the end of the path, so that any base path will do."""
    for suffix, protocol, tail in _ROUTES:
        if path.rstrip("/").endswith(suffix):
            return Route(protocol, tail)
    return None


@dataclass(frozen=True, slots=True)
class Asked:
    """A request's body, and what of it decides something: the fields that are no tables or lists, and `features_of`."""

    body: bytes
    fields: Mapping[str, Any]
    features: tuple[str, ...]

    @staticmethod
    def of(body: bytes, protocol: ModelProtocol) -> Asked | None:
        """None when the body is no JSON object with a model in it, or says something twice."""
        try:
            fields = json.loads(body, object_pairs_hook=_read_object)
        except (ValueError, RecursionError):
            return None
        if not isinstance(fields, dict) or not isinstance(fields.get("model"), str):
            return None
        kept = {name: value for name, value in fields.items() if not isinstance(value, (dict, list))}
        features = tuple(dict.fromkeys(features_of(fields, protocol)))
        return Asked(body, kept, features)

    @property
    def model(self) -> str:
        return str(self.fields["model"])

    @property
    def is_streamed(self) -> bool:
        return self.fields.get("stream") is True

    def body_for(self, model: str, protocol: ModelProtocol) -> bytes:
        """The body as it is sent to `model`: byte for byte as it came, unless something must differ.

        Another model's name is put in when a fallback takes the call. A chat stream is asked to tell its usage.
        """
        must_ask = protocol is ModelProtocol.CHAT and self.is_streamed
        if model == self.model and not must_ask:
            return self.body
        fields = json.loads(
            self.body, object_pairs_hook=_read_object
        )  # not kept, for it takes many times the body's size
        changed: dict[str, Any] = {}
        if model != self.model:
            changed["model"] = model
        options = fields.get("stream_options")
        if must_ask and not (isinstance(options, dict) and options.get("include_usage") is True):
            changed["stream_options"] = {**(options if isinstance(options, dict) else {}), "include_usage": True}
        if not changed:
            return self.body
        if list(changed) == ["stream_options"] and "stream_options" not in fields:
            start = self.body.index(b"{") + 1
            return self.body[:start] + b'"stream_options":{"include_usage":true},' + self.body[start:]
        return json.dumps({**fields, **changed}, ensure_ascii=False, separators=(",", ":")).encode()


def _read_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Raises ValueError when a name comes twice: the provider might read the other one than we.

    Being Python, it also lets other threads have their turn while a long text is read.
    """
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name comes twice in an object")
    return found
