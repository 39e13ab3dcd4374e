"""The shapes in which a known secret shows up in text, and the values that are too plain to be treated as one."""

from __future__ import annotations

import base64
import html
import json
import shlex
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

MARK = "[redacted]"
MIN_SECRET_CHARACTERS = 6
MIN_LINE_CHARACTERS = 12  # of one line of a secret with several

# Values that settings often hold and texts often contain. Hiding them would make a feed unreadable and protect
# nothing: whoever keeps such a value as a password has no secret.
_PLAIN_WORDS = """
true false none null undefined default enabled disabled always never
production development staging testing debug warning error verbose
localhost 127.0.0.1 0.0.0.0 example example.com github.com gitlab.com
python python3 pytest utf-8 en_us.utf-8 c.utf-8
master origin mogplex username password secret redacted
"""
PLAIN_VALUES = frozenset(_PLAIN_WORDS.split())


def is_plain(value: str) -> bool:
    """Whether `value` is too short or too common to be hunted for.

    Below 6 characters a value is found by chance all over a text (and is guessed as fast as it is read). A value
    that is part of the mark itself can't be removed by writing the mark.
    """
    return len(value) < MIN_SECRET_CHARACTERS or value.lower() in PLAIN_VALUES or value in MARK


def shapes_of(secrets: Iterable[str]) -> tuple[str, ...]:
    """Every text to look for, each once, the longest first. Plain values are left out.

    1 as it is, and without the space around it · 2 each long line of a secret with several · 3 Base64 with padding ·
    4–6 Base64 in the middle of other bytes, at each of the three alignments · 7 all of 3–6 in the URL-safe alphabet ·
    8 percent-encoded, in upper and in lower case · 9 form-encoded · 10 inside a JSON string, with and without
    \\u escapes · 11 inside a JSON string inside a JSON string · 12 hex, lower and upper · 13 inside single quotes of a
    shell · 14 HTML-escaped · 15 backwards.
    """
    found: set[str] = set()
    for secret in secrets:
        for value in {storable(secret), storable(secret).strip()}:
            if not is_plain(value.strip()):
                found.update(_shapes(value))
    return tuple(sorted((shape for shape in found if not is_plain(shape)), key=lambda shape: (-len(shape), shape)))


def storable(text: str) -> str:
    """`text` with NULs and halves of surrogate pairs replaced: PostgreSQL and UTF-8 can't hold them."""
    if "\x00" in text:
        text = text.replace("\x00", "\ufffd")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _shapes(value: str) -> Iterator[str]:
    raw = value.encode()
    escaped = json.dumps(value)[1:-1]
    yield value
    yield value[::-1]
    yield from (line.strip() for line in value.splitlines()[1:-1] if len(line.strip()) >= MIN_LINE_CHARACTERS)
    for shape in _base64_shapes(raw):
        yield shape
        yield shape.replace("+", "-").replace("/", "_")
    percent = quote(value, safe="")
    yield percent
    yield _lower_escapes(percent)
    yield quote(value)  # slashes as they are
    yield quote_plus(value)
    yield escaped
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield json.dumps(escaped)[1:-1]
    yield raw.hex()
    yield raw.hex().upper()
    quoted = shlex.quote(value)
    yield quoted[1:-1] if quoted.startswith("'") else quoted
    yield html.escape(value)


def _base64_shapes(raw: bytes) -> Iterator[str]:
    """The whole encoding, and for each alignment the characters that depend on the secret alone."""
    yield base64.b64encode(raw).decode()
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + raw).decode()
        first = -(-offset * 8 // 6)  # rounded up: a character shared with the byte before is not ours
        end = (offset + len(raw)) * 8 // 6
        yield encoded[first:end]


def _lower_escapes(percent: str) -> str:
    head, *rest = percent.split("%")
    return "%".join([head, *(part[:2].lower() + part[2:] for part in rest)])
