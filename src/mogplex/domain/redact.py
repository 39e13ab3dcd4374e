"""Takes secrets out of everything that is shown or stored, then cuts it to size. Pure.

The order matters: secrets go first and cuts come second, so that a secret across a cut can't leave half of itself.
Redacting what is already redacted changes nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mogplex.domain.secret_name import is_secret_name
from mogplex.domain.secret_pattern import find_secrets
from mogplex.domain.secret_shape import MARK, shapes_of, storable

MAX_TEXT_BYTES = 8 * 1024
MAX_PAYLOAD_BYTES = 64 * 1024
MAX_ITEMS = 100
MAX_DEPTH = 6
_MAX_CONTAINERS = 10_000  # of one payload: stops what refers to itself from growing without end
_MAX_KEY_BYTES = 256
_MAX_INTEGER_BITS = 10_000  # Python refuses to write longer ones as decimal digits
_MAX_ROUNDS = 8  # two are enough but for texts that were written to need more


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of a payload is kept. `text_bytes` is of one string, as UTF-8; a mark of what was left out included."""

    text_bytes: int
    items: int
    depth: int


# Tried in turn until the payload fits. The last always does: at most 8 entries of two short strings.
_SIZES = (
    Sizes(MAX_TEXT_BYTES, MAX_ITEMS, MAX_DEPTH),
    Sizes(2048, MAX_ITEMS, MAX_DEPTH),
    Sizes(512, MAX_ITEMS, MAX_DEPTH),
    Sizes(256, 50, MAX_DEPTH),
    Sizes(128, 20, 4),
    Sizes(128, 8, 1),
)


class Redactor:
    """Knows some secrets, and what unknown ones look like. Immutable; safe to share between threads."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = frozenset(secrets)
        self._shapes = shapes_of(self._secrets)

    def with_secrets(self, more: Iterable[str]) -> Redactor:
        """A redactor that knows these too; this one stays as it is."""
        return Redactor(self._secrets.union(more))

    def text(self, value: str, limit: int = MAX_TEXT_BYTES) -> str:
        """`value` without secrets, at most `limit` bytes of UTF-8 (a mark tells how much was left out), storable."""
        return cut_text(self._clean(value), limit)

    def payload(self, value: Any) -> Any:
        """A JSON-like value without secrets in strings, keys and values under telling names, and within all limits.

        Numbers, booleans and null stay as they are, but for numbers that JSON can't hold. Never raises.
        """
        cleaned: dict[str, str] = {}
        for sizes in _SIZES:
            result = _Walk(self, sizes, cleaned).value(value, depth=1, hidden=False)
            if len(json.dumps(result, ensure_ascii=False).encode()) <= MAX_PAYLOAD_BYTES:
                return result
        raise AssertionError("unreachable: the smallest sizes always fit")

    def _clean(self, value: str) -> str:
        text = storable(value)
        for _ in range(_MAX_ROUNDS):
            changed = _hide(text, [*self._find_known(text), *find_secrets(text)])
            if changed == text:
                break
            text = changed
        return text

    def _find_known(self, text: str) -> Iterator[tuple[int, int]]:
        for shape in self._shapes:
            start = text.find(shape)
            while start >= 0:
                end = start + len(shape)
                yield start, end
                start = text.find(shape, end)


def cut_text(text: str, limit_bytes: int) -> str:
    """The beginning of `text` and a mark of how many characters were left out, together within the limit.

    Under a limit with no room for that mark (about 30 bytes) it is just the beginning.
    """
    raw = text.encode()
    if len(raw) <= limit_bytes:
        return text
    room = limit_bytes - len(_left_out(f"{len(text):,} characters").encode())
    if room < 0:
        return raw[:limit_bytes].decode("utf-8", "ignore")
    kept = raw[:room].decode("utf-8", "ignore")
    mark_start = text.rfind(MARK, max(len(kept) - len(MARK) + 1, 0), len(kept) + len(MARK) - 1)
    if 0 <= mark_start < len(kept):  # rather no mark than half of one
        kept = kept[:mark_start]
    return kept + _left_out(f"{len(text) - len(kept):,} characters")


class _Walk:
    """One pass over one payload at one choice of sizes. `cleaned` remembers redacted strings between passes."""

    def __init__(self, redactor: Redactor, sizes: Sizes, cleaned: dict[str, str]) -> None:
        self.redactor = redactor
        self.sizes = sizes
        self.cleaned = cleaned
        self.containers = 0

    def value(self, value: Any, depth: int, hidden: bool) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            number = _storable_number(value)
            return MARK if hidden and isinstance(number, str) else number
        if isinstance(value, Mapping):
            return self.mapping(value, depth, hidden) if self.may_enter(depth) else self.closed(value, hidden)
        if isinstance(value, list | tuple | set | frozenset):
            return self.items(list(value), depth, hidden) if self.may_enter(depth) else self.closed(value, hidden)
        if isinstance(value, bytes | bytearray):
            value = bytes(value).decode("utf-8", "replace")
        return self.text(value if isinstance(value, str) else _describe(value), self.sizes.text_bytes, hidden)

    def may_enter(self, depth: int) -> bool:
        self.containers += 1
        return depth <= self.sizes.depth and self.containers <= _MAX_CONTAINERS

    def closed(self, value: Any, hidden: bool) -> str:
        kind = "object" if isinstance(value, Mapping) else "list"
        return MARK if hidden else _left_out(f"{kind} with {_count(len(value), 'item')}")

    def mapping(self, value: Mapping[Any, Any], depth: int, hidden: bool) -> dict[str, Any]:
        result: dict[str, Any] = {}
        kept = len(value) if len(value) <= self.sizes.items else self.sizes.items - 1
        for index, (key, item) in enumerate(value.items()):
            if index == kept:
                result[_unused("…", result)] = MARK if hidden else _count(len(value) - kept, "more item")
                break
            name = key if isinstance(key, str) else _describe(key)
            shown = self.text(name, min(_MAX_KEY_BYTES, self.sizes.text_bytes), hidden=False)
            secret = hidden or is_secret_name(name) or is_secret_name(shown)
            result[_unused(shown, result)] = self.value(item, depth + 1, secret)
        return result

    def items(self, value: list[Any], depth: int, hidden: bool) -> list[Any]:
        kept = len(value) if len(value) <= self.sizes.items else self.sizes.items - 1
        result = [self.value(item, depth + 1, hidden) for item in value[:kept]]
        if kept < len(value):
            result.append(MARK if hidden else _left_out(_count(len(value) - kept, "more item")))
        return result

    def text(self, value: str, limit_bytes: int, hidden: bool) -> str:
        if hidden:
            return MARK if value else value
        if value not in self.cleaned:
            self.cleaned[value] = self.redactor._clean(value)
        return cut_text(self.cleaned[value], limit_bytes)


def _hide(text: str, places: list[tuple[int, int]]) -> str:
    """`text` with the mark in place of `places`; what overlaps, an earlier mark included, becomes one mark."""
    if not places:
        return text
    start = text.find(MARK)
    while start >= 0:
        places.append((start, start + len(MARK)))
        start = text.find(MARK, start + len(MARK))
    parts: list[str] = []
    hidden_until = 0
    for start, end in sorted(places):
        if start >= hidden_until:
            parts += (text[hidden_until:start], MARK)
        hidden_until = max(hidden_until, end)
    parts.append(text[hidden_until:])
    return "".join(parts)


def _storable_number(value: float) -> Any:
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(value)
    if value.bit_length() > _MAX_INTEGER_BITS:
        return _left_out(f"number of {value.bit_length():,} bits")
    return int(value)


def _describe(value: Any) -> str:
    """A key or value that JSON has no kind for: its usual text if it is simple, else only its kind."""
    if value is None or isinstance(value, bool):
        return str(value).lower().replace("none", "null")
    if isinstance(value, int | float):
        return str(_storable_number(value))
    return f"[{type(value).__name__}]"


def _unused(name: str, taken: Mapping[str, Any]) -> str:
    if name not in taken:
        return name
    number = 2
    while f"{name} {number}" in taken:
        number += 1
    return f"{name} {number}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _left_out(what: str) -> str:
    return f"…[{what} left out]"
